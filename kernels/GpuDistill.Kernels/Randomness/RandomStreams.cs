namespace GpuDistill.Kernels;

/// <summary>Which stream of the generator each use draws from, so that no two uses share numbers under one seed.</summary>
public static class RandomStreams
{
    private const uint FirstDropout = 16;

    /// <summary>Initial weights.</summary>
    internal const uint Initialization = 0;

    /// <summary>The order of rows in an epoch.</summary>
    internal const uint Shuffle = 1;

    /// <summary>The shift of an image.</summary>
    internal const uint Jitter = 2;

    /// <summary>Dropout of input pixels.</summary>
    internal const uint InputDropout = 3;

    /// <summary>Dropout of a layer's output.</summary>
    /// <param name="layer">The layer's number, from 0.</param>
    public static uint Dropout(int layer) => FirstDropout + (uint)layer;
}

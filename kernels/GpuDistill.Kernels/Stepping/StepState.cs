namespace GpuDistill.Kernels;

/// <summary>
/// What changes from one training step to the next, kept on the device so that a step is the same launches every time. A
/// buffer of one element; the step's first launch advances it.
/// </summary>
public struct StepState
{
    /// <summary>The current step, counted from 0. Batches, jitter and dropout masks follow from it and the seed.</summary>
    public long Step;

    /// <summary>The current learning rate.</summary>
    public float LearningRate;

    /// <summary>Keeps the size a multiple of 8 on every device.</summary>
    internal int Padding;
}

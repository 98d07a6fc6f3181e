namespace GpuDistill.Kernels;

/// <summary>
/// Types of 16 bits, which device code handles as integers, two in a word: bf16 is no type of ILGPU's, and OpenCL devices need not
/// have fp16.
/// </summary>
internal interface IShortStorage : IStorage<ushort>
{
    /// <summary>The element in the lower half of a word, which comes first in memory.</summary>
    float FromLow(uint word);

    /// <summary>The element in the upper half.</summary>
    float FromHigh(uint word);

    uint ToWord(float low, float high);
}

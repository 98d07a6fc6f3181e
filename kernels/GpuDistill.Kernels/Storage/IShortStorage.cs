namespace GpuDistill.Kernels;

/// <summary>
/// Types of 16 bits, which device code handles as integers: bf16 is no type of ILGPU's, and OpenCL devices need not have fp16.
/// </summary>
internal interface IShortStorage : IStorage<ushort>
{
    float FromBits(ushort bits);

    ushort ToBits(float value);
}

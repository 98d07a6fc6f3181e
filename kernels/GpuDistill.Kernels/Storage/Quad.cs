namespace GpuDistill.Kernels;

/// <summary>Four neighbouring numbers in single precision: 16 bytes, one access. A device struct.</summary>
internal struct Quad
{
    public const int Length = 4;

    public float X, Y, Z, W;
}

namespace GpuDistill.Kernels;

/// <summary>
/// How the warps of a group share a tile of the result: in a grid of rows and columns, and where it has slices, several warps on
/// the same block, each with its own terms. Shared memory holds three stages of both panels. Device constants; implementations are
/// empty structs.
/// </summary>
internal interface ICudaTile : ILaunchBounds
{
    int WarpsDown { get; }

    int WarpsAcross { get; }

    int Slices { get; }
}

/// <summary>128 x 256, 8 warps of 64 x 64: the fewest reads of shared memory per product, and all registers of a multiprocessor.</summary>
internal readonly struct HugeTile : ICudaTile
{
    public int WarpsDown => 2;

    public int WarpsAcross => 4;

    public int Slices => 1;

    public int GroupSize => 256;

    public int GroupsPerMultiprocessor => 1;

    public int SharedBytes => 72 * 1024;
}

/// <summary>128 x 128, 8 warps of 64 x 32. Two groups share a multiprocessor: one multiplies while the other waits for copies or stores.</summary>
internal readonly struct LargeTile : ICudaTile
{
    public int WarpsDown => 2;

    public int WarpsAcross => 4;

    public int Slices => 1;

    public int GroupSize => 256;

    public int GroupsPerMultiprocessor => 2;

    public int SharedBytes => 48 * 1024;
}

/// <summary>64 x 64, 8 warps of 32 x 32 in two slices.</summary>
internal readonly struct MediumTile : ICudaTile
{
    public int WarpsDown => 2;

    public int WarpsAcross => 2;

    public int Slices => 2;

    public int GroupSize => 256;

    public int GroupsPerMultiprocessor => 2;

    public int SharedBytes => 48 * 1024;
}

/// <summary>32 x 32, 4 warps in four slices.</summary>
internal readonly struct SmallTile : ICudaTile
{
    public int WarpsDown => 1;

    public int WarpsAcross => 1;

    public int Slices => 4;

    public int GroupSize => 128;

    public int GroupsPerMultiprocessor => 2;

    public int SharedBytes => 48 * 1024;
}

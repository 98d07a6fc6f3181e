namespace GpuDistill.Kernels;

/// <summary>
/// How the warps of a group share a tile of the result: in a grid of rows and columns, and where it has slices, several warps on
/// the same block, each with its own terms. Device constants; implementations are empty structs.
/// </summary>
/// <remarks>All tiles have panels of 512 quads, so that three stages of two panels are 48 KB, what a group has without asking.</remarks>
internal interface ICudaTile
{
    int WarpsDown { get; }

    int WarpsAcross { get; }

    int Slices { get; }
}

/// <summary>128 x 128, 16 terms at a time, 8 warps of 64 x 32.</summary>
internal readonly struct LargeTile : ICudaTile
{
    public int WarpsDown => 2;

    public int WarpsAcross => 4;

    public int Slices => 1;
}

/// <summary>64 x 64, 32 terms at a time, 8 warps of 32 x 32 in two slices.</summary>
internal readonly struct MediumTile : ICudaTile
{
    public int WarpsDown => 2;

    public int WarpsAcross => 2;

    public int Slices => 2;
}

/// <summary>32 x 32, 64 terms at a time, 4 warps in four slices.</summary>
internal readonly struct SmallTile : ICudaTile
{
    public int WarpsDown => 1;

    public int WarpsAcross => 1;

    public int Slices => 4;
}

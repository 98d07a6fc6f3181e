using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: which tile of the result is a group's: tiles in bands of 8 rows of tiles, so that groups that run together share panels
/// in the L2 cache.
/// </summary>
internal static class TileBands
{
    private const int BandRows = 8;

    /// <summary>The tile's row, in tiles.</summary>
    public static int Row<T>(GemmArguments<T> a, int tileRows, int tileColumns)
        where T : unmanaged
    {
        int band = Grid.IdxX / (BandRows * Across(a.Columns, tileColumns));
        return (band * BandRows) + (Grid.IdxX % (BandRows * Across(a.Columns, tileColumns)) % RowsInBand(a.Rows, band, tileRows));
    }

    /// <summary>The tile's column, in tiles.</summary>
    public static int Column<T>(GemmArguments<T> a, int tileRows, int tileColumns)
        where T : unmanaged
    {
        int band = Grid.IdxX / (BandRows * Across(a.Columns, tileColumns));
        return Grid.IdxX % (BandRows * Across(a.Columns, tileColumns)) / RowsInBand(a.Rows, band, tileRows);
    }

    private static int Across(int columns, int tileColumns) => (columns + tileColumns - 1) / tileColumns;

    // The last band may have fewer rows of tiles.
    private static int RowsInBand(int rows, int band, int tileRows)
    {
        int rest = ((rows + tileRows - 1) / tileRows) - (band * BandRows);
        return rest < BandRows ? rest : BandRows;
    }
}

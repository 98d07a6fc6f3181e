using System.Globalization;

namespace GpuDistill.Kernels;

public partial struct LossTotals
{
    /// <summary>All of it in one line.</summary>
    public override readonly string ToString()
    {
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"loss {Total:G6} (soft {Soft:G6}, hard {Hard:G6}, KL {KlDivergence:G6}), {Correct} of {Labelled} labelled rows right, {Rows} rows");
        return InvalidRow is int row ? $"{text}, row {row} invalid ({(InvalidRowReason)InvalidReason})" : text;
    }
}

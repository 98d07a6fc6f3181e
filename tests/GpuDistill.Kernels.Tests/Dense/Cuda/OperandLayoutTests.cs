using Xunit;
using AcrossLines = GpuDistill.Kernels.InLines<ushort, GpuDistill.Kernels.AcrossBFloat16>;
using AlongBFloat16 = GpuDistill.Kernels.AlongTerms<ushort, GpuDistill.Kernels.BFloat16Element>;
using AlongFloats = GpuDistill.Kernels.AlongTerms<float, GpuDistill.Kernels.FloatElement>;
using AlongLines = GpuDistill.Kernels.InLines<ushort, GpuDistill.Kernels.AlongTerms<ushort, GpuDistill.Kernels.BFloat16Element>>;

namespace GpuDistill.Kernels.Tests.Dense.Cuda;

/// <summary>Where layouts put the quads of a panel: each its own place, and no bank of shared memory asked twice at a time.</summary>
public class OperandLayoutTests
{
    // 128 bytes of shared memory, 8 quads, in one go: what the 8 lanes of an access of 16 bytes get.
    private const int BankQuads = 8;
    private const int BankWords = 32;

    // Rows of a panel, terms in slices, and threads: those of the tiles.
    private static readonly (int Rows, int Slices, int Threads)[] Panels =
        [(128, 1, 256), (256, 1, 256), (64, 2, 256), (32, 4, 128)];

    [Fact]
    public void Every_quad_has_its_own_place_and_eight_neighbours_have_all_banks()
    {
        Check<AlongFloats>();
        Check<AlongBFloat16>();
        Check<AcrossFloats>();
        Check<AcrossBFloat16>();

        static void Check<TLayout>()
            where TLayout : struct, IOperandLayout
        {
            foreach ((int rows, int slices, int threads) in Panels)
                CheckPlaces<TLayout>(rows, rows * slices * GemmStep.SliceQuads, threads);
        }
    }

    [Fact]
    public void The_same_holds_for_panels_of_warpgroups()
    {
        foreach (int rows in (int[])[WarpGroupTile.Rows, WarpGroupTile.Columns])
        {
            CheckPlaces<AlongLines>(rows, rows * PanelDescriptor.LineQuads, default(WarpGroupTile).GroupSize);
            CheckPlaces<AcrossLines>(rows, rows * PanelDescriptor.LineQuads, default(WarpGroupTile).GroupSize);
        }
    }

    [Fact]
    public void Matrix_loads_have_eight_rows_in_different_banks()
    {
        Check<AlongFloats>();
        Check<AlongBFloat16>();
        Check<AcrossBFloat16>();

        static void Check<TLayout>()
            where TLayout : struct, IOperandLayout
        {
            TLayout layout = default;
            foreach ((int rows, int slices, _) in Panels)
            {
                for (int slice = 0; slice < slices; slice++)
                {
                    for (int row = 0; row < rows; row += 64)
                    {
                        int term = slice * GemmStep.SliceQuads * layout.PerQuad;
                        LanePlaces[] left = [.. Enumerable.Range(0, 32).Select(lane => layout.LeftPlaces(rows, row, term, lane))];
                        LanePlaces[] right = [.. Enumerable.Range(0, 32).Select(lane => layout.RightPlaces(rows, row, term, lane))];
                        foreach (LanePlaces[] eight in left.Chunk(8).Concat(right.Chunk(8)))
                        {
                            for (int i = 0; i < (typeof(TLayout) == typeof(AcrossBFloat16) ? 4 : 2); i++)
                                AssertDistinct(eight.Select(places => places.Of(i) % BankQuads), $"{typeof(TLayout).Name}, {rows} rows, matrix");
                        }
                    }
                }
            }
        }
    }

    [Fact]
    public void Words_of_a_fragment_across_terms_are_in_32_banks()
    {
        AcrossFloats layout = default;
        foreach ((int rows, int slices, _) in Panels)
        {
            LanePlaces[] lanes = [.. Enumerable.Range(0, 32).Select(lane => layout.LeftPlaces(rows, 0, (slices - 1) * 16, lane))];
            for (int i = 0; i < 4; i++)
                AssertDistinct(lanes.Select(places => places.Of(i) % BankWords), $"{rows} rows");
        }
    }

    [Fact]
    public void The_exact_product_reads_its_right_operand_from_different_banks()
    {
        // Of 8 lanes four have the same columns: 4 quads at a time, of rows 4 t along terms and of one line across them.
        foreach ((int rows, _, _) in Panels)
        {
            foreach (int quad in (int[])[0, 1, 2, 3])
            {
                AssertDistinct(
                    Enumerable.Range(0, 4).Select(t => default(AlongFloats).Place((4 * t * GemmStep.SliceQuads) + quad, rows) % BankQuads),
                    $"{rows} rows along terms");
                AssertDistinct(
                    Enumerable.Range(0, 4).Select(t => default(AcrossFloats).Place((quad * (rows / 4)) + t, rows) % BankQuads),
                    $"{rows} rows across terms");
            }
        }
    }

    private static void CheckPlaces<TLayout>(int rows, int quads, int threads)
        where TLayout : struct, IPanelLayout
    {
        TLayout layout = default;
        int[] places = [.. Enumerable.Range(0, quads).Select(i => layout.Place(i, rows))];
        Assert.Equal(Enumerable.Range(0, quads), places.Order());
        foreach (int[] eight in places.Chunk(BankQuads))
            AssertDistinct(eight.Select(place => place % BankQuads), $"{typeof(TLayout).Name}, {rows} rows, copies");
        for (int i = threads; i < quads; i++)
        {
            // What a thread's later quads are reckoned from.
            (int first, int rest) = (i % threads, i - (i % threads));
            Assert.Equal(layout.Place(i, rows), layout.Place(first, rows) + layout.Place(rest, rows));
            Assert.Equal(layout.Row(i, rows), layout.Row(first, rows) + layout.Row(rest, rows));
            Assert.Equal(layout.Term(i, rows), layout.Term(first, rows) + layout.Term(rest, rows));
            long steps = rest / threads;
            Assert.Equal(
                layout.Index(layout.Row(rest, rows), layout.Term(rest, rows), 1 << 20, 1 << 10),
                steps * layout.Index(layout.Row(threads, rows), layout.Term(threads, rows), 1 << 20, 1 << 10));
        }
    }

    private static void AssertDistinct(IEnumerable<int> banks, string what)
    {
        int[] all = [.. banks];
        Assert.True(all.Distinct().Count() == all.Length, $"{what}: banks {string.Join(' ', all)}");
    }
}

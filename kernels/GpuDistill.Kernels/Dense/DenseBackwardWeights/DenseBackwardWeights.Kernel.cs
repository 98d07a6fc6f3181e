using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      product and column sums; the groups of the first row of tiles sum the columns they have just read.
// Math:       dW = x^T g;   db[j] = sum_n g[n, j]
// Shapes:     x [B x K], g [B x M], dW [K x M], db [M].
// Geometry, numerics: see GemmTile; a thread sums a whole column in the order of the batch.
// Edges:      threads beyond the last column have none to sum.
// Reference:  DenseBackwardWeights.Reference.cs
public static partial class DenseBackwardWeights
{
    private static Launch BindPortable(KernelContext context, Arguments<float> arguments)
    {
        (int groups, int groupSize) = GemmTile.Plan(context, ref arguments.Product);
        return context.BindKernel(nameof(DenseBackwardWeights), Kernel, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void Kernel(Arguments<float> a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(GemmTile.ScratchFloats);
        long tiles = GemmTile.Tiles(a.Product);
        for (long tile = Grid.IdxX; tile < tiles; tile += Grid.DimX)
        {
            GemmTile.Compute(a.Product, tile, scratch);
            for (int i = 0; i < GemmTile.PerThread; i++)
            {
                int row = GemmTile.Row(a.Product, tile, i);
                int column = GemmTile.Column(a.Product, tile, i);
                if (row < a.Product.Rows && column < a.Product.Columns)
                    a.WeightGradients[((long)row * a.Product.Columns) + column] = GemmTile.Value(scratch, i);
            }

            if (GemmTile.IsInFirstRow(a.Product, tile))
                SumColumns(a, GemmTile.FirstColumn(a.Product, tile));
        }
    }

    private static void SumColumns(Arguments<float> a, int first)
    {
        int end = first + GemmTile.TileColumns(a.Product);
        end = end < a.Product.Columns ? end : a.Product.Columns;
        for (int column = first + Group.IdxX; column < end; column += Group.DimX)
        {
            float sum = 0;
            for (int row = 0; row < a.Product.Terms; row++)
                sum += a.Product.Right[((long)row * a.Product.Columns) + column];
            a.BiasGradients[column] = sum;
        }
    }
}

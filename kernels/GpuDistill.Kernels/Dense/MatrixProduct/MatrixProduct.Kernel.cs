using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      nothing; the plain product.
// Math:       result = op(left) op(right)
// Gradient:   two more products: d left = d result op(right)^T and so on.
// Shapes, geometry, numerics, edges: see GemmTile.
// Reference:  MatrixProduct.Reference.cs
public static partial class MatrixProduct
{
    private static Launch BindPortable(KernelContext context, Arguments<float> arguments)
    {
        (int groups, int groupSize) = GemmTile.Plan(context, ref arguments.Product);
        return context.BindKernel(nameof(MatrixProduct), Kernel, groups, groupSize, arguments);
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
                    a.Result[((long)row * a.Product.Columns) + column] = GemmTile.Value(scratch, i);
            }
        }
    }
}

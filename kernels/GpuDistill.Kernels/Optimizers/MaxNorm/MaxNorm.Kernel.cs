using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      norms and scaling; the weights are read once, and once more only in columns above the limit.
// Math:       s_j = sum_i w[i, j]^2;   w[i, j] = w[i, j] * limit / sqrt(s_j) where s_j > limit^2
// Shapes:     Weights [Rows x Columns], in place.
// Geometry:   1-D groups; a group takes Tile neighbouring columns, so that reads of a row-major matrix coalesce, and cuts
//             the rows among its Slices = group size / Tile threads per column. Groups stride over the tiles.
// Numerics:   fp32, fixed order: a thread sums its rows in order, a tree sums the slices.
// Edges:      threads beyond the last column sum nothing and still meet the barriers. A sum that is not finite leaves its
//             column alone.
// Reference:  MaxNorm.Reference.cs
public static partial class MaxNorm
{
    private const int MaxGroupSize = 256;

    // 16 floats: two whole 32-byte sectors of a GPU's memory per row, and enough groups for a layer of 1000 units.
    private const int PreferredTile = 16;

    private static Launch BindPortable(KernelContext context, Arguments arguments)
    {
        int groupSize = context.GroupSize(MaxGroupSize);
        arguments.Tile = Math.Min(PreferredTile, groupSize);
        int groups = context.GroupsFor(arguments.Columns, arguments.Tile);
        return context.BindKernel(nameof(MaxNorm), Kernel, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void Kernel(Arguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(MaxGroupSize);
        int lane = Group.IdxX % a.Tile;
        int slice = Group.IdxX / a.Tile;
        int slices = Group.DimX / a.Tile;
        int stride = Grid.DimX * a.Tile;
        for (int first = Grid.IdxX * a.Tile; first < a.Columns; first += stride)
        {
            int column = first + lane;
            int rows = column < a.Columns ? a.Rows : 0;
            float sum = 0;
            for (int row = slice; row < rows; row += slices)
            {
                float w = a.Weights[((long)row * a.Columns) + column];
                sum += w * w;
            }

            Group.Barrier(); // the sums of the tile before may still be read
            scratch[Group.IdxX] = sum;
            Group.Barrier();
            for (int half = slices / 2; half > 0; half /= 2)
            {
                if (slice < half)
                    scratch[Group.IdxX] += scratch[Group.IdxX + (half * a.Tile)];
                Group.Barrier();
            }

            sum = scratch[lane];
            if (!FloatBits.IsFinite(sum) || sum <= a.SquaredLimit)
                continue;
            float scale = a.Limit / XMath.Sqrt(sum);
            for (int row = slice; row < rows; row += slices)
                a.Weights[((long)row * a.Columns) + column] *= scale;
        }
    }
}

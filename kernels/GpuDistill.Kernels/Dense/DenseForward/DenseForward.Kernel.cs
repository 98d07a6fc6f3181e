using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      product, bias, activation and dropout: the output is written once and never read.
// Math:       a = x W + b;   y = keep ? f(a) / (1 - rate) : 0
// Gradient:   DenseBackwardInput, DenseBackwardWeights.
// Shapes:     x [B x K], W [K x M], b [M], y and a [B x M].
// Geometry, numerics: see GemmTile; the bias is added last.
// Edges:      NaN in a stays NaN through every activation. a = +-infinity gives the activation's limit.
// Reference:  DenseForward.Reference.cs
public static partial class DenseForward
{
    private static Launch BindPortable(KernelContext context, Arguments<float, float> arguments)
    {
        (int groups, int groupSize) = GemmTile.Plan(context, ref arguments.Product);
        return context.BindKernel(nameof(DenseForward), Kernel, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void Kernel(Arguments<float, float> a)
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
                    Finish<float, float, FloatStorage>(a, row, column, GemmTile.Value(scratch, i), a.Settings.Dropout.Draw(row, column));
            }
        }
    }

    private static void Finish<T, TOutput, TStorage>(Arguments<T, TOutput> a, int row, int column, float product, Philox.Words words)
        where T : unmanaged
        where TOutput : unmanaged
        where TStorage : unmanaged, IStorage<TOutput>
    {
        TStorage storage = default;
        long place = ((long)row * a.Product.Columns) + column;
        float sum = product + a.Settings.Biases[column];
        if (a.Settings.KeepsPreactivation != 0)
            storage.Store(a.Preactivation, place, sum);
        float value = ActivationMath.Apply(a.Settings.Activation, sum);
        if (a.Settings.Dropout.Rate > 0)
            value = a.Settings.Dropout.Keeps(words, column) ? value * a.Settings.Dropout.Scale : 0;
        storage.Store(a.Output, place, value);
    }
}

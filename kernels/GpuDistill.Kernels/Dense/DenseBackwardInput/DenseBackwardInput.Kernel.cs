using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      product, and the backward passes of the producer's dropout and activation.
// Math:       g = gradient W^T;   d = keep ? g f'(a) / (1 - rate) : 0, with f' from the output y of the producer:
//             ReLU: y > 0;   tanh: 1 - (y (1 - rate))^2;   GELU: Phi(a) + a phi(a), from the preactivation a
// Shapes:     gradient [B x M], W [K x M], result, y and a [B x K].
// Geometry, numerics: see GemmTile.
// Edges:      ReLU needs no mask: what dropout dropped is an output of 0. A gradient that is not finite becomes 0 where the
//             mask or ReLU closes.
// Reference:  DenseBackwardInput.Reference.cs
public static partial class DenseBackwardInput
{
    private static Launch BindPortable(KernelContext context, Arguments<float> arguments)
    {
        (int groups, int groupSize) = GemmTile.Plan(context, ref arguments.Product);
        return context.BindKernel(nameof(DenseBackwardInput), Kernel, groups, groupSize, arguments);
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
                    Finish<float, FloatStorage>(a, row, column, GemmTile.Value(scratch, i), Draw(a.Settings, row, column));
            }
        }
    }

    private static Philox.Words Draw(Settings settings, int row, int column)
    {
        Philox.Words words = default;
        if (settings.Activation != ActivationMath.Relu)
            words = settings.Dropout.Draw(row, column);
        return words;
    }

    private static void Finish<T, TStorage>(Arguments<T> a, int row, int column, float product, Philox.Words words)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        TStorage storage = default;
        long place = ((long)row * a.Product.Columns) + column;
        int activation = a.Settings.Activation;
        DropoutArguments dropout = a.Settings.Dropout;
        float output = 0;
        if (activation == ActivationMath.Relu || activation == ActivationMath.Tanh)
            output = storage.Load(a.Output, place) * (1 - dropout.Rate);
        float preactivation = 0;
        if (activation == ActivationMath.Gelu)
            preactivation = storage.Load(a.Preactivation, place);
        float value = ActivationMath.Backward(activation, product, output, preactivation);
        value *= dropout.Scale;
        if (dropout.Rate > 0 && activation != ActivationMath.Relu)
            value = dropout.Keeps(words, column) ? value : 0;
        storage.Store(a.InputGradient, place, value);
    }
}

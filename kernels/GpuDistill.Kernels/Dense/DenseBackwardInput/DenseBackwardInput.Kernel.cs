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
    private static Launch BindPortable(KernelContext context, Arguments arguments)
    {
        (int groups, int groupSize) = GemmTile.Plan(context, ref arguments.Product);
        return context.Portable(nameof(DenseBackwardInput), Kernel, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void Kernel(Arguments a)
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
                    Finish(a, row, column, GemmTile.Value(scratch, i), Draw(a, row, column));
            }
        }
    }

    private static Philox.Words Draw(Arguments a, int row, int column)
    {
        Philox.Words words = default;
        if (a.Activation != ActivationMath.Relu)
            words = a.Dropout.Draw(row, column);
        return words;
    }

    private static void Finish(Arguments a, int row, int column, float product, Philox.Words words)
    {
        long place = ((long)row * a.Product.Columns) + column;
        float output = 0;
        if (a.Activation == ActivationMath.Relu || a.Activation == ActivationMath.Tanh)
            output = a.Output[place] * (1 - a.Dropout.Rate);
        float preactivation = 0;
        if (a.Activation == ActivationMath.Gelu)
            preactivation = a.Preactivation[place];
        float value = ActivationMath.Backward(a.Activation, product, output, preactivation);
        value *= a.Dropout.Scale;
        if (a.Dropout.Rate > 0 && a.Activation != ActivationMath.Relu)
            value = a.Dropout.Keeps(words, column) ? value : 0;
        a.Product.Result[place] = value;
    }
}

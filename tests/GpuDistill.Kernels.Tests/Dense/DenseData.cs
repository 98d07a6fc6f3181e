using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

/// <summary>What the tests of dense layers share.</summary>
internal static class DenseData
{
    public const ulong Seed = 0x1234_5678_9ABC_DEF0;
    public const long Step = 7;

    public static readonly Activation[] Activations = [Activation.Identity, Activation.Relu, Activation.Gelu, Activation.Tanh];

    /// <summary>Portable and CUDA kernels are hundreds of times slower on ILGPU's CPU accelerator, so they get the small shapes only.</summary>
    public static IEnumerable<T> ShapesFor<T>(KernelVariant variant, T[] small, T[] large) =>
        variant is KernelVariant.Portable or KernelVariant.Cuda ? small : small.Concat(large);

    public static double[] Double(float[] values) => [.. values.Select(v => (double)v)];

    public static GuardedBuffer<StepState> Clock(KernelContext context, long step = Step) =>
        new(context, [new StepState { Step = step }]);

    /// <summary>The factor of each element by dropout's rule: 0 or 1 / (1 - rate).</summary>
    public static double[] DropoutFactors(float rate, uint stream, int rows, int columns, long step = Step)
    {
        double[] factors = new double[rows * columns];
        for (int i = 0; i < factors.Length; i++)
        {
            float uniform = Philox.Uniform(Seed, stream, step, (uint)(i / columns), (uint)(i % columns));
            factors[i] = uniform >= rate ? 1 / (1 - (double)rate) : 0;
        }

        return factors;
    }

    /// <summary>A product that runs twice: the second run, over a result that already stands there, must give the same bits.</summary>
    public static float[] Product(
        KernelContext context, float[] left, bool transposeLeft, float[] right, bool transposeRight, int rows, int columns, int terms)
    {
        using GuardedBuffer<float> a = new(context, left);
        using GuardedBuffer<float> b = new(context, right);
        using GuardedBuffer<float> c = new(context, rows * columns);
        using Launch launch = MatrixProduct.Bind(
            context,
            transposeLeft ? a.Matrix(terms, rows) : a.Matrix(rows, terms),
            transposeRight ? b.Matrix(columns, terms) : b.Matrix(terms, columns),
            c.Matrix(rows, columns),
            transposeLeft,
            transposeRight);
        launch.Run(context.Accelerator.DefaultStream);
        float[] result = c.Read("result");
        launch.Run(context.Accelerator.DefaultStream);
        Assert.Equal(result, c.Read("result"));
        Assert.Equal(left, a.Read("left"));
        Assert.Equal(right, b.Read("right"));
        return result;
    }
}

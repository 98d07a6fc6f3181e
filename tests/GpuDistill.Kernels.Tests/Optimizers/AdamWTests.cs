using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Optimizers;

public class AdamWTests
{
    private const int Steps = 5;

    private static readonly AdamWOptions[] Options =
    [
        new(),
        new() { WeightDecay = 0 },
        new() { Beta1 = 0, Beta2 = 0.9, WeightDecay = 0.5f },
        new() { Beta1 = 0.5, Beta2 = 0, Epsilon = 1e-3f },
        new() { Beta1 = 0.99, Beta2 = 0.99999, Epsilon = 1e-6f },
    ];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    // Steps from 0, where the bias correction matters most, and from far on, where it has faded.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference_over_several_steps(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int n in OptimizerCase.Lengths)
        {
            foreach (AdamWOptions options in Options)
            {
                foreach (long first in (long[])[0, 400, 20_000_000])
                    CheckAgainstReference(context, n, options, first);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Only_the_first_so_many_parameters_decay_where_a_number_is_given(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (AdamWOptions options in Options.Where(options => options.WeightDecay > 0))
        {
            float[] decayed = Run(context, 2053, options, 0).Parameters;
            float[] others = Run(context, 2053, options with { WeightDecay = 0 }, 0).Parameters;
            Assert.NotEqual(decayed, others);
            foreach (int count in (int[])[0, 1, 1024, 1031, 2052, 2053])
                Assert.Equal([.. decayed[..count], .. others[count..]], Run(context, 2053, options, 0, count).Parameters);
        }
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        KernelContext shared = TestDevices.Get("cpu", KernelVariant.Auto);
        using KernelContext one = new(shared.Accelerator, KernelVariant.Auto, 1);
        using KernelContext three = new(shared.Accelerator, KernelVariant.Auto, 3);
        (float[] parameters, float[] mean, float[] square) = Run(one, 5003, new(), 0);
        foreach (KernelContext context in (KernelContext[])[one, three])
        {
            (float[] again, float[] meanAgain, float[] squareAgain) = Run(context, 5003, new(), 0);
            Assert.Equal(parameters, again);
            Assert.Equal(mean, meanAgain);
            Assert.Equal(square, squareAgain);
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using OptimizerCase data = new(context, 8);
        ArrayView<float>[] views = [data.Parameter.View, data.Gradient.View, data.First.View, data.Second.View];
        ArrayView<StepState> clock = data.Clock.View;
        Launch Bind(ArrayView<float>[] v, AdamWOptions? options = null) => AdamW.Bind(context, v[0], v[1], v[2], v[3], clock, options);
        foreach (double beta in (double[])[-0.1, 1, double.NaN])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => Bind(views, new() { Beta1 = beta }));
            Assert.Throws<ArgumentOutOfRangeException>(() => Bind(views, new() { Beta2 = beta }));
        }

        foreach (float bad in (float[])[-1, float.NaN, float.PositiveInfinity])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => Bind(views, new() { Epsilon = bad }));
            Assert.Throws<ArgumentOutOfRangeException>(() => Bind(views, new() { WeightDecay = bad }));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => Bind(views, new() { Epsilon = 0 }));
        for (int i = 0; i < 4; i++)
        {
            ArrayView<float>[] wrong = [.. views];
            wrong[i] = views[i].SubView(0, 7);
            Assert.Throws<ArgumentException>(() => Bind(wrong));
            for (int other = 0; other < i; other++)
            {
                ArrayView<float>[] same = [.. views];
                same[i] = views[other];
                Assert.Throws<ArgumentException>(() => Bind(same));
            }
        }

        Assert.Throws<ArgumentException>(() => AdamW.Bind(context, views[0], views[1], views[2], views[3], clock.SubView(0, 0)));
        foreach (long decayed in (long[])[-1, 9])
            Assert.Throws<ArgumentOutOfRangeException>(() => AdamW.Bind(context, views[0], views[1], views[2], views[3], clock, decayed: decayed));
    }

    private static void CheckAgainstReference(KernelContext context, int n, AdamWOptions options, long first)
    {
        double[] expected = [.. OptimizerCase.Parameters(n).Select(w => (double)w)];
        double[] mean = new double[n];
        double[] square = new double[n];
        for (long step = first; step < first + Steps; step++)
            AdamW.Reference(expected, OptimizerCase.Gradients(n, step), mean, square, step, OptimizerCase.Rate(step), options);
        (float[] actual, float[] actualMean, float[] actualSquare) = Run(context, n, options, first);
        string what = $"n = {n}, {options}, from step {first}";
        Tolerance.Optimizer.Check(expected, actual, what);
        Tolerance.Optimizer.Check(mean, actualMean, $"mean, {what}");
        Tolerance.Optimizer.Check(square, actualSquare, $"mean square, {what}");
    }

    private static (float[] Parameters, float[] Mean, float[] Square) Run(KernelContext context, int n, AdamWOptions options, long first, int? decayed = null)
    {
        using OptimizerCase data = new(context, n);
        using Launch launch = AdamW.Bind(
            context, data.Parameter.View, data.Gradient.View, data.First.View, data.Second.View, data.Clock.View, options, decayed);
        for (long step = first; step < first + Steps; step++)
            data.Step(launch, step);
        return (data.Parameter.Read(), data.First.Read(), data.Second.Read());
    }
}

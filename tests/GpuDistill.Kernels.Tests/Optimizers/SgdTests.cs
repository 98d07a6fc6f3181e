using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Optimizers;

public class SgdTests
{
    private const int Steps = 5;

    private static readonly SgdOptions[] Options =
    [
        new() { Momentum = 0 },
        new() { Momentum = 0, WeightDecay = 0.1f },
        new(),
        new() { Momentum = 0.5f, WeightDecay = 0.01f },
        new() { Nesterov = true },
        new() { Momentum = 0.99f, WeightDecay = 0.1f, Nesterov = true },
    ];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference_over_several_steps(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int n in OptimizerCase.Lengths)
        {
            foreach (SgdOptions options in Options)
            {
                double[] expected = [.. OptimizerCase.Parameters(n).Select(w => (double)w)];
                double[] velocity = new double[n];
                (float[] actual, float[] actualVelocity) = Run(context, n, options);
                for (int step = 0; step < Steps; step++)
                    Sgd.Reference(expected, OptimizerCase.Gradients(n, step), velocity, OptimizerCase.Rate(step), options);
                Tolerance.Optimizer.Check(expected, actual, $"n = {n}, {options}");
                if (options.Momentum > 0)
                    Tolerance.Optimizer.Check(velocity, actualVelocity, $"velocity, n = {n}, {options}");
                else
                    Assert.All(actualVelocity, v => Assert.Equal(0, v));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Only_the_first_so_many_parameters_decay_where_a_number_is_given(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (SgdOptions options in Options.Where(options => options.WeightDecay > 0))
        {
            float[] decayed = Run(context, 2053, options).Parameters;
            float[] others = Run(context, 2053, options with { WeightDecay = 0 }).Parameters;
            Assert.NotEqual(decayed, others);
            foreach (int count in (int[])[0, 1, 1024, 1031, 2052, 2053])
                Assert.Equal([.. decayed[..count], .. others[count..]], Run(context, 2053, options, count).Parameters);
        }
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        KernelContext shared = TestDevices.Get("cpu", KernelVariant.Auto);
        foreach (SgdOptions options in Options)
        {
            using KernelContext one = new(shared.Accelerator, KernelVariant.Auto, 1);
            using KernelContext three = new(shared.Accelerator, KernelVariant.Auto, 3);
            Assert.Equal(Run(one, 5003, options).Parameters, Run(three, 5003, options).Parameters);
            Assert.Equal(Run(one, 5003, options).Velocity, Run(one, 5003, options).Velocity);
        }
    }

    [Fact]
    public void Without_momentum_no_velocity_is_needed()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using OptimizerCase data = new(context, 10);
        using Launch launch = Sgd.Bind(
            context, data.Parameter.View, data.Gradient.View, ArrayView<float>.Empty, data.Clock.View, new() { Momentum = 0 });
        data.Step(launch, 0);
        Assert.NotEqual(OptimizerCase.Parameters(10), data.Parameter.Read());
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using OptimizerCase data = new(context, 8);
        ArrayView<float> w = data.Parameter.View;
        ArrayView<float> g = data.Gradient.View;
        ArrayView<float> v = data.First.View;
        ArrayView<StepState> clock = data.Clock.View;
        foreach (float momentum in (float[])[-0.1f, 1, float.NaN])
            Assert.Throws<ArgumentOutOfRangeException>(() => Sgd.Bind(context, w, g, v, clock, new() { Momentum = momentum }));
        foreach (float decay in (float[])[-0.1f, float.NaN, float.PositiveInfinity])
            Assert.Throws<ArgumentOutOfRangeException>(() => Sgd.Bind(context, w, g, v, clock, new() { WeightDecay = decay }));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, g, v, clock, new() { Momentum = 0, Nesterov = true }));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, g.SubView(0, 7), v, clock));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, g, v.SubView(0, 7), clock));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, g, ArrayView<float>.Empty, clock));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, w, v, clock));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, g, w, clock));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, g, g, clock));
        Assert.Throws<ArgumentException>(() => Sgd.Bind(context, w, g, v, clock.SubView(0, 0)));
        foreach (long decayed in (long[])[-1, 9])
            Assert.Throws<ArgumentOutOfRangeException>(() => Sgd.Bind(context, w, g, v, clock, decayed: decayed));
    }

    private static (float[] Parameters, float[] Velocity) Run(KernelContext context, int n, SgdOptions options, int? decayed = null)
    {
        using OptimizerCase data = new(context, n);
        using Launch launch = Sgd.Bind(context, data.Parameter.View, data.Gradient.View, data.First.View, data.Clock.View, options, decayed);
        for (int step = 0; step < Steps; step++)
            data.Step(launch, step);
        return (data.Parameter.Read(), data.First.Read());
    }
}

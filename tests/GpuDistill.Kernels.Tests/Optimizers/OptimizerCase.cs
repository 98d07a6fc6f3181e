using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Optimizers;

/// <summary>Parameters, gradients, two moments and a clock on a device, with seeded contents.</summary>
internal sealed class OptimizerCase(KernelContext context, int length) : IDisposable
{
    /// <summary>One, primes, around every vector width, group size and worker's grain.</summary>
    public static readonly int[] Lengths = [1, 3, 4, 7, 8, 15, 16, 17, 31, 257, 1023, 1025, 2053];

    public GuardedBuffer<float> Parameter { get; } = new(context, Parameters(length));

    public GuardedBuffer<float> Gradient { get; } = new(context, length);

    public GuardedBuffer<float> First { get; } = new(context, new float[length]);

    public GuardedBuffer<float> Second { get; } = new(context, new float[length]);

    public GuardedBuffer<StepState> Clock { get; } = new(context, 1);

    public static float[] Parameters(int length) => TestData.Uniform(length, 1, 1);

    /// <summary>Gradients of a step: mostly small, every fifth large, every seventh exactly 0.</summary>
    public static float[] Gradients(int length, long step)
    {
        float[] gradients = TestData.Uniform(length, 1e-2f, (int)step + 2);
        for (int i = 0; i < length; i++)
            gradients[i] *= i % 7 == 6 ? 0 : i % 5 == 0 ? 100 : 1;
        return gradients;
    }

    public static float Rate(long step) => 0.05f / (step + 1);

    /// <summary>Runs a step with its gradients and learning rate.</summary>
    public void Step(Launch launch, long step)
    {
        float[] gradients = Gradients(length, step);
        Gradient.Write(gradients);
        Clock.Write([new StepState { Step = step, LearningRate = Rate(step) }]);
        launch.Run(context.Accelerator.DefaultStream);
        Assert.Equal(gradients, Gradient.Read("gradients"));
    }

    public void Dispose()
    {
        Parameter.Dispose();
        Gradient.Dispose();
        First.Dispose();
        Second.Dispose();
        Clock.Dispose();
    }
}

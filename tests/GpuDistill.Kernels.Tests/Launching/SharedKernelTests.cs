using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class SharedKernelTests
{
    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Two_threads_may_run_one_kernel_on_buffers_of_their_own(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        Parallel.For(0, 2, thread =>
        {
            float[] logits = TestData.PeakyLogits(5, 7, thread);
            using GuardedBuffer<float> input = new(context, logits);
            using GuardedBuffer<float> output = new(context, logits.Length);
            using Launch launch = TemperatureSoftmax.Bind(context, input.Matrix(5, 7), output.Matrix(5, 7), 1 + thread);
            for (int i = 0; i < 50; i++)
            {
                launch.Run(context.Accelerator.DefaultStream);
                float[] actual = output.Read("output");
                for (int row = 0; row < 5; row++)
                    Tolerance.Softmax.Check(TemperatureSoftmax.Reference(logits.AsSpan(row * 7, 7), 1 + thread), actual.AsSpan(row * 7, 7), $"row {row}");
            }
        });
    }
}

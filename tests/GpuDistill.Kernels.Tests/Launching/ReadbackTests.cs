using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class ReadbackTests
{
    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_value_is_read_as_the_work_before_left_it_whatever_was_submitted_after(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        bool isCpu = context.Accelerator.AcceleratorType == AcceleratorType.CPU;
        using AcceleratorStream? own = isCpu ? null : context.Accelerator.CreateStream();
        AcceleratorStream stream = own ?? context.Accelerator.DefaultStream;
        using MemoryBuffer1D<StepState, Stride1D.Dense> clock = context.Accelerator.Allocate1D([StepClock.Before(0)]);
        using Launch advance = StepClock.Bind(context, clock.View, LearningRateSchedule.Constant(0.5f));
        using Readback<StepState> first = Readback<StepState>.Of(stream, clock.View);
        using Readback<StepState> second = Readback<StepState>.Of(stream, clock.View);
        for (int round = 0; round < 20; round++)
        {
            Advance(30);
            first.Begin();
            Advance(7);
            second.Begin();
            clock.MemSetToZero(stream);
            Advance(1);
            Assert.Equal((round == 0 ? -1 : 1) + 30, first.Take().Step);
            Assert.Equal((round == 0 ? -1 : 1) + 37, second.Take().Step);
            Assert.True(first.HasArrived && second.HasArrived);
            Assert.Equal(0.5f, second.Take().LearningRate);
        }

        second.Begin(); // disposed while it is under way

        void Advance(int steps)
        {
            for (int step = 0; step < steps; step++)
                advance.Run(stream);
        }
    }

    [Fact]
    public void More_than_one_value_is_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using MemoryBuffer1D<int, Stride1D.Dense> values = context.Accelerator.Allocate1D<int>(2);
        Assert.Throws<ArgumentException>(() => Readback<int>.Of(context.Accelerator.DefaultStream, values.View));
    }
}

namespace GpuDistill.Kernels;

// Math:       Step = Step + 1,   LearningRate = schedule(Step)
// Shapes:     State [1].
// Geometry:   one thread.
// Numerics:   64-bit integers up to one last fp32 product (LearningRateCurve): the same bits on every device.
// Reference:  LearningRateSchedule.At, and LearningRateSchedule.Reference.cs in double
public static partial class StepClock
{
    private static Launch BindPortable(KernelContext context, Arguments arguments) =>
        context.BindKernel(nameof(StepClock), Kernel, 1, 1, arguments);

    [KernelEntry(GroupSize = 1)]
    internal static void Kernel(Arguments a)
    {
        StepState state = a.State[0];
        state.Step++;
        state.LearningRate = a.Curve.At(state.Step);
        a.State[0] = state;
    }
}

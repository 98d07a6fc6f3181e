using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// The first launch of a training step: makes it the next step, Step = Step + 1, and sets its learning rate,
/// LearningRate = schedule(Step). Everything else that changes from step to step follows from these two.
/// </summary>
/// <remarks>
/// A run that starts at step s first copies <see cref="Before"/>(s) to the state. To resume a run is the same with a later s.
/// </remarks>
public static partial class StepClock
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(StepClock), BindPortable, BindCpu);

    /// <summary>Binds the operation to its buffer.</summary>
    /// <param name="context">The device.</param>
    /// <param name="state">The state, [1], advanced in place.</param>
    /// <param name="schedule">The learning rate by step.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The state is not one element.</exception>
    public static Launch Bind(
        KernelContext context,
        ArrayView<StepState> state,
        LearningRateSchedule schedule,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(schedule);
        Check.Length(state, 1, "one state");
        return Variants.Bind(context, new Arguments { State = state, Curve = schedule.Curve }, variant);
    }

    /// <summary>The state to start with, so that the first step is <paramref name="step"/>, counted from 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative.</exception>
    public static StepState Before(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return new StepState { Step = step - 1 };
    }

    internal struct Arguments
    {
        public ArrayView<StepState> State;
        public LearningRateCurve Curve;
    }
}

namespace GpuDistill.Kernels;

// A few integer operations on one worker; the SIMD widths do not differ. As a CPU launch it joins the step's one submission.
public static partial class StepClock
{
    private static Cpu BindCpu(KernelContext context, Arguments arguments, KernelVariant variant) =>
        new(arguments, variant, context.Workers) { Holds = arguments };

    private sealed unsafe class Cpu(Arguments a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(StepClock), variant, workers)
    {
        private readonly LearningRateCurve _curve = a.Curve;
        private readonly StepState* _state = CpuPointer.Of(a.State);

        internal override void Execute(CpuTeam team)
        {
            if (team.Index != 0)
                return;
            long step = _state->Step + 1;
            _state->Step = step;
            _state->LearningRate = _curve.At(step);
        }
    }
}

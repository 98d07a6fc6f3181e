namespace GpuDistill.Kernels;

/// <summary>
/// A <see cref="LearningRateSchedule"/> as a kernel argument: plain fields and device code. All in integers up to one last
/// product, so that host and every device agree on each rate to the bit.
/// </summary>
internal struct LearningRateCurve
{
    /// <summary>The rate that fractions multiply.</summary>
    public float Rate;

    /// <summary>Steps of linear warm-up, before the curve itself starts.</summary>
    public long Warmup;

    /// <summary>Step decay: steps between two decays. 0 for other curves.</summary>
    public long DecayEvery;

    /// <summary>Step decay: what a decay multiplies by, as <see cref="Fraction62"/>.</summary>
    public ulong DecayFactor;

    /// <summary>Cosine: steps from the end of the warm-up to the final rate. 0 for other curves.</summary>
    public long CosineSteps;

    /// <summary>Cosine: the final rate's share of <see cref="Rate"/>, as <see cref="Fraction62"/>.</summary>
    public ulong CosineFinal;

    /// <summary>The learning rate of a step, counted from 0.</summary>
    public readonly float At(long step) => Rate * Fraction62.ToSingle(Fraction(step));

    private readonly ulong Fraction(long step)
    {
        if (step < Warmup)
            return Fraction62.Divide(step + 1, Warmup + 1);
        long after = step - Warmup;
        if (DecayEvery > 0)
            return Fraction62.Power(DecayFactor, after / DecayEvery);
        if (CosineSteps == 0)
            return Fraction62.One;
        if (after >= CosineSteps)
            return CosineFinal;

        // (1 + cos(pi t)) / 2 is the square of sin(pi (1 - t) / 2), which loses no digits near the end.
        ulong sine = Fraction62.SineOfQuarterTurns(Fraction62.Divide(CosineSteps - after, CosineSteps));
        return CosineFinal + Fraction62.Multiply(Fraction62.One - CosineFinal, Fraction62.Multiply(sine, sine));
    }
}

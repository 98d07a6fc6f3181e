namespace GpuDistill.Kernels;

/// <summary>
/// How the learning rate follows from the step number: constant, decaying every k steps, or along a half cosine, each
/// with an optional linear warm-up. Immutable. <see cref="At"/> on the host and <see cref="StepClock"/> on any device give the
/// same rate to the bit.
/// </summary>
public sealed partial class LearningRateSchedule
{
    private LearningRateSchedule(LearningRateCurve curve) => Curve = curve;

    /// <summary>The schedule as a kernel argument.</summary>
    internal LearningRateCurve Curve { get; }

    /// <summary>The same rate for every step.</summary>
    /// <param name="rate">The learning rate, finite and at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The rate is negative or not finite.</exception>
    public static LearningRateSchedule Constant(float rate)
    {
        Check.NotNegative(rate);
        return new(new() { Rate = rate });
    }

    /// <summary>Effectively computes rate * factor^floor(step / every).</summary>
    /// <param name="rate">The first learning rate, finite and at least 0.</param>
    /// <param name="factor">What each decay multiplies the rate by, from 0 to 1. The power is held to 2^-62.</param>
    /// <param name="every">Steps between two decays, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range.</exception>
    public static LearningRateSchedule StepDecay(float rate, double factor, long every)
    {
        Check.NotNegative(rate);
        Check.Fraction(factor);
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        return new(new() { Rate = rate, DecayEvery = every, DecayFactor = Fraction62.Of(factor) });
    }

    /// <summary>
    /// Effectively computes rate * (f + (1 - f) * (1 + cos(pi * step / totalSteps)) / 2) with f the final fraction, and
    /// rate * f from step <paramref name="totalSteps"/> on (Loshchilov and Hutter 2017, "SGDR", without restarts).
    /// </summary>
    /// <param name="rate">The first learning rate, finite and at least 0.</param>
    /// <param name="totalSteps">The step at which the final rate is reached, from 1 to 2^31 - 1; a warm-up is part of them.</param>
    /// <param name="finalFraction">The final rate's share of <paramref name="rate"/>, from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range.</exception>
    public static LearningRateSchedule Cosine(float rate, long totalSteps, double finalFraction = 0)
    {
        Check.NotNegative(rate);
        ArgumentOutOfRangeException.ThrowIfLessThan(totalSteps, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(totalSteps, int.MaxValue);
        Check.Fraction(finalFraction);
        return new(new() { Rate = rate, CosineSteps = totalSteps, CosineFinal = Fraction62.Of(finalFraction) });
    }

    /// <summary>
    /// The same schedule after a linear warm-up: step s of the first w has the rate * (s + 1) / (w + 1), and the schedule
    /// starts at step w. A cosine still ends at its total number of steps.
    /// </summary>
    /// <param name="steps">w, from 0 to 2^31 - 2, and below a cosine's total steps.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="steps"/> is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The schedule has a warm-up already.</exception>
    public LearningRateSchedule WithWarmup(long steps)
    {
        LearningRateCurve curve = Curve;
        if (curve.Warmup != 0)
            throw new InvalidOperationException($"The schedule already has a warm-up of {curve.Warmup} steps.");
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(steps, int.MaxValue);
        if (curve.CosineSteps > 0)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(steps, curve.CosineSteps);
            curve.CosineSteps -= steps;
        }

        curve.Warmup = steps;
        return new(curve);
    }

    /// <summary>The learning rate of a step, counted from 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative.</exception>
    public float At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return Curve.At(step);
    }
}

namespace GpuDistill.Kernels;

public sealed partial class LearningRateSchedule
{
    /// <summary>The definitions in double precision, without warm-up.</summary>
    internal static class Reference
    {
        public static double StepDecay(double rate, double factor, long every, long step) =>
            rate * Math.Pow(factor, Math.Floor((double)step / every));

        public static double Cosine(double rate, long totalSteps, double finalFraction, long step) => step >= totalSteps
            ? rate * finalFraction
            : rate * (finalFraction + ((1 - finalFraction) * (1 + Math.Cos(Math.PI * step / totalSteps)) / 2));
    }
}

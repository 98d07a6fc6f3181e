namespace GpuDistill.Kernels;

public static partial class AdamW
{
    /// <summary>The definition in double precision: the step of this number, counted from 0, in place.</summary>
    internal static void Reference(
        double[] parameters,
        ReadOnlySpan<float> gradients,
        double[] mean,
        double[] meanSquare,
        long step,
        double learningRate,
        AdamWOptions options)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            double g = gradients[i];
            mean[i] = (options.Beta1 * mean[i]) + ((1 - options.Beta1) * g);
            meanSquare[i] = (options.Beta2 * meanSquare[i]) + ((1 - options.Beta2) * g * g);
            double meanHat = mean[i] / (1 - Math.Pow(options.Beta1, step + 1));
            double squareHat = meanSquare[i] / (1 - Math.Pow(options.Beta2, step + 1));
            parameters[i] -= learningRate * options.WeightDecay * parameters[i];
            parameters[i] -= learningRate * meanHat / (Math.Sqrt(squareHat) + options.Epsilon);
        }
    }
}

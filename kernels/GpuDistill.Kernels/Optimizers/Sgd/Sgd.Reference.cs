namespace GpuDistill.Kernels;

public static partial class Sgd
{
    /// <summary>The definition in double precision: one step, in place.</summary>
    internal static void Reference(
        double[] parameters, ReadOnlySpan<float> gradients, double[] velocity, double learningRate, SgdOptions options)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            double gradient = gradients[i] + (options.WeightDecay * parameters[i]);
            velocity[i] = (options.Momentum * velocity[i]) + gradient;
            double step = options.Nesterov ? gradient + (options.Momentum * velocity[i]) : velocity[i];
            parameters[i] -= learningRate * step;
        }
    }
}

using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      both moments, their bias correction, decay and step in one pass: four reads and three writes per parameter.
// Math:       m = m + (1 - b1) (g - m),   v = v + (1 - b2) (g^2 - v)
//             w = w - (r d w + r / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + e)),   t = Step + 1
// Shapes:     Parameters, Gradients, Mean, MeanSquare [n]; Clock [1].
// Geometry:   1-D groups, one element per thread, threads stride over the elements; each thread works out the correction.
// Numerics:   fp32, no sums. A moment moves by its distance to the gradient, so that it needs 1 - b alone and settles at
//             the mean itself, whatever the rounding of b. Below b = 1/2 the gradient is the nearer end, and the moment
//             is counted from there: else a large moment would cancel. 1 - b^t comes from a series while b^t is near 1.
// Reference:  AdamW.Reference.cs
public static partial class AdamW
{
    private const int PreferredGroupSize = 256;

    private static Launch BindPortable(KernelContext context, Arguments arguments)
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        int groups = context.GroupsFor(arguments.Parameters.Length, groupSize);
        return context.BindKernel(nameof(AdamW), Kernel, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void Kernel(Arguments a)
    {
        StepState state = a.Clock[0];
        float t = state.Step + 1;
        float rate = state.LearningRate / OneMinusExp(t * a.LogBeta1);
        float decay = state.LearningRate * a.WeightDecay;
        float rootScale = 1 / XMath.Sqrt(OneMinusExp(t * a.LogBeta2));
        long stride = (long)Grid.DimX * Group.DimX;
        for (long i = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; i < a.Parameters.Length; i += stride)
        {
            float w = a.Parameters[i];
            float g = a.Gradients[i];
            float mean = a.Mean[i];
            float square = a.MeanSquare[i];
            mean = Toward(mean, g, a.Keep1, a.Take1);
            square = Toward(square, g * g, a.Keep2, a.Take2);
            a.Mean[i] = mean;
            a.MeanSquare[i] = square;
            a.Parameters[i] = w - (((i < a.Decayed ? decay : 0) * w) + (rate * mean / ((XMath.Sqrt(square) * rootScale) + a.Epsilon)));
        }
    }

    // keep * moment + take * value with keep + take = 1, from the end that weighs more.
    private static float Toward(float moment, float value, float keep, float take) =>
        keep < 0.5f ? value + (keep * (moment - value)) : moment + (take * (value - moment));

    // 1 - e^x for x <= 0. Near 0 the difference would cancel; there the series of e^x - 1 to x^8 leaves out less than 1e-8.
    private static float OneMinusExp(float x)
    {
        if (x < -0.5f)
            return 1 - XMath.Exp(x);
        float sum = 1 + (x * (1.0f / 8));
        sum = 1 + (x * (1.0f / 7) * sum);
        sum = 1 + (x * (1.0f / 6) * sum);
        sum = 1 + (x * (1.0f / 5) * sum);
        sum = 1 + (x * (1.0f / 4) * sum);
        sum = 1 + (x * (1.0f / 3) * sum);
        sum = 1 + (x * (1.0f / 2) * sum);
        return -x * sum;
    }
}

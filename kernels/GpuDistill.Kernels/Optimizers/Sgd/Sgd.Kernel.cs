using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      weight decay, velocity and step in one pass: three reads and two writes per parameter, or two and one
//             without momentum.
// Math:       g' = g + d w,   v = m v + g',   w = w - r v   or   w = w - r (g' + m v)
// Shapes:     Parameters, Gradients, Velocity [n]; Clock [1].
// Geometry:   1-D groups, one element per thread, threads stride over the elements.
// Numerics:   fp32, no sums; a product and a sum may be fused.
// Edges:      without momentum the velocity is neither read nor written.
// Reference:  Sgd.Reference.cs
public static partial class Sgd
{
    private const int PreferredGroupSize = 256;

    private static Launch BindPortable(KernelContext context, Arguments arguments)
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        int groups = context.GroupsFor(arguments.Parameters.Length, groupSize);
        return context.BindKernel(nameof(Sgd), Kernel, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void Kernel(Arguments a)
    {
        float rate = a.Clock[0].LearningRate;
        long stride = (long)Grid.DimX * Group.DimX;
        for (long i = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; i < a.Parameters.Length; i += stride)
        {
            float w = a.Parameters[i];
            float decay = i < a.Decayed ? a.WeightDecay : 0;
            float direction = a.Gradients[i] + (decay * w);
            if (a.Momentum > 0)
            {
                float velocity = (a.Momentum * a.Velocity[i]) + direction;
                a.Velocity[i] = velocity;
                direction = a.Nesterov != 0 ? direction + (a.Momentum * velocity) : velocity;
            }

            a.Parameters[i] = w - (rate * direction);
        }
    }
}

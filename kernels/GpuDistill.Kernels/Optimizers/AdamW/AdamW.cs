using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), on a flat buffer of parameters.
/// The learning rate and the step number, from which the bias correction follows, come from the step's state.
/// </summary>
/// <remarks>
/// With t = Step + 1: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w = w - r d w - r mhat / (sqrt(vhat) + e), where
/// mhat = m / (1 - b1^t) and vhat = v / (1 - b2^t). Moments of zeros belong to a clock that starts at step 0; a resumed run
/// needs its moments as well as its step.
/// </remarks>
public static partial class AdamW
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(AdamW), BindPortable, BindCpu);

    /// <summary>Binds the operation to its buffers, which must all be apart.</summary>
    /// <param name="context">The device.</param>
    /// <param name="parameters">w, [n], updated in place.</param>
    /// <param name="gradients">g, [n], of the loss for the step.</param>
    /// <param name="mean">m, the mean gradient, [n], updated in place, all zeros before step 0.</param>
    /// <param name="meanSquare">v, the mean squared gradient, [n], updated in place, all zeros before step 0.</param>
    /// <param name="clock">The step's state, [1].</param>
    /// <param name="options">Betas, epsilon and weight decay; null for 0.9, 0.999, 1e-8 and 0.01.</param>
    /// <param name="decayed">The first so many parameters decay, the others never; null for all.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">Lengths differ, or buffers overlap.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static Launch Bind(
        KernelContext context,
        ArrayView<float> parameters,
        ArrayView<float> gradients,
        ArrayView<float> mean,
        ArrayView<float> meanSquare,
        ArrayView<StepState> clock,
        AdamWOptions? options = null,
        long? decayed = null,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        options ??= new();
        Check.BelowOne(options.Beta1);
        Check.BelowOne(options.Beta2);
        Check.Positive(options.Epsilon);
        Check.NotNegative(options.WeightDecay);
        Check.Length(gradients, parameters.Length, "as parameters");
        Check.Length(mean, parameters.Length, "as parameters");
        Check.Length(meanSquare, parameters.Length, "as parameters");
        Check.Length(clock, 1, "one state");
        Check.Count(decayed, parameters.Length);
        Check.Apart(parameters, gradients);
        Check.Apart(parameters, mean);
        Check.Apart(parameters, meanSquare);
        Check.Apart(gradients, mean);
        Check.Apart(gradients, meanSquare);
        Check.Apart(mean, meanSquare);
        Arguments arguments = new()
        {
            Parameters = parameters,
            Gradients = gradients,
            Mean = mean,
            MeanSquare = meanSquare,
            Clock = clock,
            Keep1 = (float)options.Beta1,
            Keep2 = (float)options.Beta2,
            Take1 = (float)(1 - options.Beta1),
            Take2 = (float)(1 - options.Beta2),
            LogBeta1 = (float)Math.Log(options.Beta1),
            LogBeta2 = (float)Math.Log(options.Beta2),
            Epsilon = options.Epsilon,
            WeightDecay = options.WeightDecay,
            Decayed = options.WeightDecay > 0 ? decayed ?? parameters.Length : parameters.Length,
        };
        return Variants.Bind(context, arguments, variant);
    }

    internal struct Arguments
    {
        public ArrayView<float> Parameters;
        public ArrayView<float> Gradients;
        public ArrayView<float> Mean;
        public ArrayView<float> MeanSquare;
        public ArrayView<StepState> Clock;
        public float Keep1;
        public float Keep2;
        public float Take1;
        public float Take2;
        public float LogBeta1;
        public float LogBeta2;
        public float Epsilon;
        public float WeightDecay;
        public long Decayed;
    }
}

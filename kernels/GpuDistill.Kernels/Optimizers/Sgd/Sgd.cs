using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Stochastic gradient descent with momentum (Polyak 1964; Nesterov's form as in Sutskever, Martens, Dahl and Hinton
/// 2013), on a flat buffer of parameters. The learning rate comes from the step's state.
/// </summary>
/// <remarks>
/// With weight decay d, momentum m, learning rate r: g' = g + d w; v = m v + g'; w = w - r v, or w = w - r (g' + m v) with
/// Nesterov. These are PyTorch's conventions, without dampening: the velocity holds gradients, not steps, so that a
/// change of learning rate takes full effect at once. A velocity of zeros starts a run.
/// </remarks>
public static partial class Sgd
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(Sgd), BindPortable, BindCpu);

    /// <summary>Binds the operation to its buffers, which must all be apart.</summary>
    /// <param name="context">The device.</param>
    /// <param name="parameters">w, [n], updated in place.</param>
    /// <param name="gradients">g, [n], of the loss for the step.</param>
    /// <param name="velocity">v, [n], updated in place, all zeros before the first step; may be empty without momentum.</param>
    /// <param name="clock">The step's state, [1].</param>
    /// <param name="options">Momentum and weight decay; null for momentum 0.9 and no decay.</param>
    /// <param name="decayed">The first so many parameters decay, the others never; null for all.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">Lengths differ, buffers overlap, or Nesterov is asked for without momentum.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static Launch Bind(
        KernelContext context,
        ArrayView<float> parameters,
        ArrayView<float> gradients,
        ArrayView<float> velocity,
        ArrayView<StepState> clock,
        SgdOptions? options = null,
        long? decayed = null,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        options ??= new();
        Check.BelowOne(options.Momentum);
        Check.NotNegative(options.WeightDecay);
        if (options.Nesterov && options.Momentum == 0)
            throw new ArgumentException("Nesterov's form needs momentum; set options.Momentum above 0.", nameof(options));
        Check.Length(gradients, parameters.Length, "as parameters");
        Check.Apart(parameters, gradients);
        Check.Length(clock, 1, "one state");
        Check.Count(decayed, parameters.Length);
        if (options.Momentum > 0 || velocity.Length > 0)
        {
            Check.Length(velocity, parameters.Length, "as parameters");
            Check.Apart(parameters, velocity);
            Check.Apart(gradients, velocity);
        }

        Arguments arguments = new()
        {
            Parameters = parameters,
            Gradients = gradients,
            Velocity = velocity,
            Clock = clock,
            Momentum = options.Momentum,
            WeightDecay = options.WeightDecay,
            Decayed = options.WeightDecay > 0 ? decayed ?? parameters.Length : parameters.Length,
            Nesterov = options.Nesterov ? 1 : 0,
        };
        return Variants.Bind(context, arguments, variant);
    }

    internal struct Arguments
    {
        public ArrayView<float> Parameters;
        public ArrayView<float> Gradients;
        public ArrayView<float> Velocity;
        public ArrayView<StepState> Clock;
        public float Momentum;
        public float WeightDecay;
        public long Decayed;
        public int Nesterov;
    }
}

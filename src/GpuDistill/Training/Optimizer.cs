using GpuDistill.Kernels;
using ILGPU;

namespace GpuDistill;

/// <summary>How weights are updated from gradients. Weight decay is applied to weights, never to biases.</summary>
public abstract class Optimizer
{
    private protected Optimizer()
    {
    }

    /// <summary>Moments kept per parameter.</summary>
    internal abstract int Moments { get; }

    /// <summary>Stochastic gradient descent with momentum.</summary>
    public static Optimizer Sgd(SgdOptions? options = null) => new SgdOptimizer(options ?? new SgdOptions());

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    public static Optimizer AdamW(AdamWOptions? options = null) => new AdamWOptimizer(options ?? new AdamWOptions());

    /// <summary>Binds the update of all parameters: weights, then biases without decay.</summary>
    internal IEnumerable<Launch> Bind(
        KernelContext kernels, ParameterViews parameters, ParameterViews gradients, IReadOnlyList<ParameterViews> moments, ArrayView<StepState> clock)
    {
        yield return Bind(kernels, parameters.AllWeights, gradients.AllWeights, [.. moments.Select(m => m.AllWeights)], clock, decay: true);
        yield return Bind(kernels, parameters.AllBiases, gradients.AllBiases, [.. moments.Select(m => m.AllBiases)], clock, decay: false);
    }

    private protected abstract Launch Bind(
        KernelContext kernels,
        ArrayView<float> parameters,
        ArrayView<float> gradients,
        ArrayView<float>[] moments,
        ArrayView<StepState> clock,
        bool decay);

    private sealed class SgdOptimizer(SgdOptions options) : Optimizer
    {
        internal override int Moments => 1;

        public override string ToString() => options.ToString();

        private protected override Launch Bind(
            KernelContext kernels,
            ArrayView<float> parameters,
            ArrayView<float> gradients,
            ArrayView<float>[] moments,
            ArrayView<StepState> clock,
            bool decay) =>
            Kernels.Sgd.Bind(
                kernels, parameters, gradients, moments[0], clock, decay ? options : options with { WeightDecay = 0 });
    }

    private sealed class AdamWOptimizer(AdamWOptions options) : Optimizer
    {
        internal override int Moments => 2;

        public override string ToString() => options.ToString();

        private protected override Launch Bind(
            KernelContext kernels,
            ArrayView<float> parameters,
            ArrayView<float> gradients,
            ArrayView<float>[] moments,
            ArrayView<StepState> clock,
            bool decay) =>
            Kernels.AdamW.Bind(
                kernels, parameters, gradients, moments[0], moments[1], clock, decay ? options : options with { WeightDecay = 0 });
    }
}

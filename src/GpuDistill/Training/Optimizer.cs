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

    /// <summary>Binds the update of all parameters, of which the weights stand first.</summary>
    internal abstract Launch Bind(
        KernelContext kernels, ParameterViews parameters, ParameterViews gradients, IReadOnlyList<ParameterViews> moments, ArrayView<StepState> clock);

    private sealed class SgdOptimizer(SgdOptions options) : Optimizer
    {
        internal override int Moments => 1;

        public override string ToString() => options.ToString();

        internal override Launch Bind(
            KernelContext kernels,
            ParameterViews parameters,
            ParameterViews gradients,
            IReadOnlyList<ParameterViews> moments,
            ArrayView<StepState> clock) =>
            Kernels.Sgd.Bind(kernels, parameters.All, gradients.All, moments[0].All, clock, options, parameters.Layout.WeightsLength);
    }

    private sealed class AdamWOptimizer(AdamWOptions options) : Optimizer
    {
        internal override int Moments => 2;

        public override string ToString() => options.ToString();

        internal override Launch Bind(
            KernelContext kernels,
            ParameterViews parameters,
            ParameterViews gradients,
            IReadOnlyList<ParameterViews> moments,
            ArrayView<StepState> clock) =>
            Kernels.AdamW.Bind(
                kernels, parameters.All, gradients.All, moments[0].All, moments[1].All, clock, options, parameters.Layout.WeightsLength);
    }
}

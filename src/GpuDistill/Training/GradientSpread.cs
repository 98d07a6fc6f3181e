using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>
/// How much the gradients of single cases differ, over all parameters of a network: what their mean has to be told from.
/// </summary>
/// <param name="Cases">Cases.</param>
/// <param name="MeanSquaredLength">The mean over cases of a gradient's squared length.</param>
/// <param name="SquaredLengthOfMean">The squared length of the mean gradient.</param>
public sealed record GradientSpread(int Cases, double MeanSquaredLength, double SquaredLengthOfMean)
{
    /// <summary>The variance between cases, summed over parameters: the trace of the gradients' covariance.</summary>
    public double Variance => MeanSquaredLength - SquaredLengthOfMean;

    /// <summary>
    /// Variance over the squared length of the mean: as many cases must be averaged for noise and signal to be equal (the simple
    /// noise scale of McCandlish et al. 2018). Free of the scale of the loss.
    /// </summary>
    public double NoiseScale => Variance / SquaredLengthOfMean;

    /// <summary>
    /// Measures the gradients of an objective. All cases are one batch, so some thousand images are what this is for; no
    /// gradient of a single case is stored: that of a dense layer is the outer product of input and output gradient, and its
    /// squared length the product of theirs.
    /// </summary>
    /// <param name="network">The network, not changed.</param>
    /// <param name="images">The cases.</param>
    /// <param name="objective">The loss, with its default reduction, the mean over the batch.</param>
    /// <exception cref="ArgumentException">The network, the images and the objective do not fit together.</exception>
    /// <exception cref="InvalidRowException">A case has no loss.</exception>
    public static GradientSpread Of(Network network, ResidentImages images, Objective objective)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(objective);
        images.CheckFits(network);
        network.ThrowIfUnset();
        images.CheckLabels(network.Shape.Classes);
        objective.CheckFits(network, images);
        DistillDevice device = network.Device;
        ParameterLayout layout = network.Parameters.Layout;
        using Batch batch = new(images, images.Length);
        using NetworkPass pass = NetworkPass.Of(network, batch, new TrainingPass(0, 0, batch.Clock));
        using MemoryBuffer1D<float, Stride1D.Dense> gradients = device.Accelerator.Allocate1D<float>(layout.Length);
        using MemoryBuffer1D<LossTotals, Stride1D.Dense> totals = device.Accelerator.Allocate1D<LossTotals>(1);
        using MemoryBuffer1D<float, Stride1D.Dense>? weights = objective.ClassWeights is { } values ? device.Accelerator.Allocate1D(values) : null;
        ArrayView<float> classWeights = weights is null ? ArrayView<float>.Empty : weights.View;
        using LaunchSequence sequence = new(Bind());
        gradients.MemSetToZero(device.Stream); // padding between layers
        totals.MemSetToZero(device.Stream);
        batch.StartBefore(0);
        sequence.Run(device.Stream);
        ArrayView<LossTotals> total = totals.View;
        images.ThrowIfInvalid(total.ToHost(device)[0], byRow: objective.Teacher is not null, network.Shape.Classes);
        ArrayView<float> mean = gradients.View;
        return new GradientSpread(images.Length, MeanSquared(pass, network.Shape.Layers, images.Length), mean.ToHost(device).Sum(value => (double)value * value));

        IEnumerable<Launch> Bind()
        {
            yield return batch.BindClock(LearningRateSchedule.Constant(0));
            yield return pass.Gather(new BatchOptions { Shuffle = false, Wrap = false });
            foreach (Launch launch in pass.RefreshWeights().Concat(pass.Forward()))
                yield return launch;
            yield return objective.Bind(new ObjectiveBatch(device.Kernels, pass.Logits, batch.Rows, batch.Labels, classWeights, totals.View));
            foreach (Launch launch in pass.Backward(new ParameterViews(gradients.View, layout)))
                yield return launch;
        }
    }

    // The objective divides every case's gradient by the number of cases.
    private static double MeanSquared(NetworkPass pass, int layers, int cases)
    {
        double sum = 0;
        for (int layer = 0; layer < layers; layer++)
        {
            double[] inputs = SquaredLengths(pass.ReadInputOf(layer), cases);
            double[] outputs = SquaredLengths(pass.ReadGradientAt(layer), cases);
            for (int row = 0; row < cases; row++)
                sum += (inputs[row] + 1) * outputs[row]; // 1: the bias
        }

        return sum * cases;
    }

    private static double[] SquaredLengths(float[] values, int rows)
    {
        int columns = values.Length / rows;
        double[] lengths = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            foreach (float value in values.AsSpan(row * columns, columns))
                lengths[row] += (double)value * value;
        }

        return lengths;
    }
}

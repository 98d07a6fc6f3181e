using GpuDistill.Kernels;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>One pass of a layer: binds it to buffers of its own, and gives what checks the result once the launch has run.</summary>
internal sealed record DensePass(string Name, Func<DeviceBuffers, (Launch Launch, Action Check)> Bind);

/// <summary>A dense layer on the host: x [B x K], the output of a ReLU; weights W [K x M], biases b [M], the gradient g [B x M] at x W + b.</summary>
internal sealed class DenseLayer(int batch, int inputs, int outputs)
{
    private readonly float[] _input = [.. SampledCheck.Values(batch * inputs, 1).Select(value => Math.Max(value, 0))];
    private readonly float[] _weights = SampledCheck.Values(inputs * outputs, 2);
    private readonly float[] _biases = SampledCheck.Values(outputs, 3);
    private readonly float[] _gradient = SampledCheck.Values(batch * outputs, 4);

    public int Batch => batch;

    public int Inputs => inputs;

    public int Outputs => outputs;

    /// <summary>What a pass reads and writes: the three matrices, each once. ReLU's derivative reads the input too, where it is needed.</summary>
    public double Bytes => sizeof(float) * (((double)batch * inputs) + ((double)inputs * outputs) + ((double)batch * outputs));

    public DensePass Forward(KernelContext kernels) => new("forward", buffers =>
    {
        Matrix<float> output = new(buffers.Allocate<float>(batch * outputs), batch, outputs);
        Launch launch = DenseForward.Bind(
            kernels, Input(buffers), Weights(buffers), buffers.Allocate(outputs, _biases), output, Activation.Relu);
        return (launch, () => Check(
            output,
            kernels,
            inputs,
            (row, column, p) => (double)_input[(row * inputs) + p] * _weights[(p * outputs) + column],
            (_, column, sum) => Math.Max(sum + _biases[column], 0)));
    });

    public DensePass BackwardInput(KernelContext kernels) => new("backward input", buffers =>
    {
        Matrix<float> result = new(buffers.Allocate<float>(batch * inputs), batch, inputs);
        Launch launch = DenseBackwardInput.Bind(
            kernels, Gradient(buffers), Weights(buffers), result, new Producer<float>(Activation.Relu, Input(buffers)));
        return (launch, () => Check(
            result,
            kernels,
            outputs,
            (row, column, p) => (double)_gradient[(row * outputs) + p] * _weights[(column * outputs) + p],
            (row, column, sum) => _input[(row * inputs) + column] > 0 ? sum : 0));
    });

    public DensePass BackwardWeights(KernelContext kernels) => new("backward weights", buffers =>
    {
        Matrix<float> weights = new(buffers.Allocate<float>(inputs * outputs), inputs, outputs);
        Matrix<float> biases = new(buffers.Allocate<float>(outputs), 1, outputs);
        Launch launch = DenseBackwardWeights.Bind(kernels, Input(buffers), Gradient(buffers), weights, biases.Data);
        return (launch, CheckBoth);

        void CheckBoth()
        {
            Check(
                weights,
                kernels,
                batch,
                (row, column, p) => (double)_input[(p * inputs) + row] * _gradient[(p * outputs) + column],
                (_, _, sum) => sum);
            Check(biases, kernels, batch, (_, column, p) => _gradient[(p * outputs) + column], (_, _, sum) => sum);
        }
    });

    private Matrix<float> Input(DeviceBuffers buffers) => new(buffers.Allocate(_input.Length, _input), batch, inputs);

    private Matrix<float> Weights(DeviceBuffers buffers) => new(buffers.Allocate(_weights.Length, _weights), inputs, outputs);

    private Matrix<float> Gradient(DeviceBuffers buffers) => new(buffers.Allocate(_gradient.Length, _gradient), batch, outputs);

    private static void Check(
        Matrix<float> result, KernelContext kernels, int terms, Func<int, int, int, double> term, Func<int, int, double, double> finish)
    {
        float[] actual = result.Data.GetAsArray();
        SampledCheck.Of(
            result.Rows,
            result.Columns,
            terms,
            TimingDevice.ProductError(kernels.Precision),
            unit: 0,
            term,
            finish,
            (row, column) => actual[(row * result.Columns) + column]);
    }
}

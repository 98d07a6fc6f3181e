using System.Runtime.CompilerServices;
using GpuDistill.Kernels;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>One pass of a layer.</summary>
/// <param name="Name">Forward, backward input or backward weights.</param>
/// <param name="Bytes">What it reads and writes, each matrix once. ReLU's derivative reads the input too, where it is needed.</param>
/// <param name="Bind">Binds it to buffers of its own, and gives what checks the result once the launch has run.</param>
internal sealed record DensePass(string Name, double Bytes, Func<DeviceBuffers, (Launch Launch, Action Check)> Bind);

/// <summary>A dense layer on the host: x [B x K], the output of a ReLU; weights W [K x M], biases b [M], the gradient g [B x M] at x W + b.</summary>
/// <param name="kernels">The device.</param>
/// <param name="type">The type of the matrices; biases and what goes to an optimizer are in single precision.</param>
/// <param name="batch">B.</param>
/// <param name="inputs">K.</param>
/// <param name="outputs">M.</param>
internal sealed class DenseLayer<T>(KernelContext kernels, ElementType<T> type, int batch, int inputs, int outputs)
    where T : unmanaged
{
    private readonly T[] _input = Rounded(type, SampledCheck.Values(batch * inputs, 1).Select(value => Math.Max(value, 0)));
    private readonly T[] _weights = Rounded(type, SampledCheck.Values(inputs * outputs, 2));
    private readonly float[] _biases = SampledCheck.Values(outputs, 3);
    private readonly T[] _gradient = Rounded(type, SampledCheck.Values(batch * outputs, 4));

    public IEnumerable<DensePass> Passes => [Forward, BackwardInput, BackwardWeights];

    private double ActivationBytes => (double)Unsafe.SizeOf<T>() * batch * (inputs + outputs);

    private DensePass Forward => new("forward", ActivationBytes + ((double)Unsafe.SizeOf<T>() * inputs * outputs), buffers =>
    {
        Matrix<T> output = new(buffers.Allocate<T>(batch * outputs), batch, outputs);
        Launch launch = DenseForward.Bind(
            kernels, Input(buffers), Weights(buffers), buffers.Allocate(outputs, _biases), output, Activation.Relu);
        return (launch, () => Check(
            output,
            type,
            inputs,
            (row, column, p) => Of(_input, (row * inputs) + p) * Of(_weights, (p * outputs) + column),
            (_, column, sum) => Math.Max(sum + _biases[column], 0)));
    });

    private DensePass BackwardInput => new("backward input", ActivationBytes + ((double)Unsafe.SizeOf<T>() * inputs * outputs), buffers =>
    {
        Matrix<T> result = new(buffers.Allocate<T>(batch * inputs), batch, inputs);
        Launch launch = DenseBackwardInput.Bind(
            kernels, Gradient(buffers), Weights(buffers), result, new Producer<T>(Activation.Relu, Input(buffers)));
        return (launch, () => Check(
            result,
            type,
            outputs,
            (row, column, p) => Of(_gradient, (row * outputs) + p) * Of(_weights, (column * outputs) + p),
            (row, column, sum) => Of(_input, (row * inputs) + column) > 0 ? sum : 0));
    });

    private DensePass BackwardWeights => new("backward weights", ActivationBytes + ((double)sizeof(float) * inputs * outputs), buffers =>
    {
        Matrix<float> weights = new(buffers.Allocate<float>(inputs * outputs), inputs, outputs);
        Matrix<float> biases = new(buffers.Allocate<float>(outputs), 1, outputs);
        Launch launch = DenseBackwardWeights.Bind(kernels, Input(buffers), Gradient(buffers), weights, biases.Data);
        return (launch, CheckBoth);

        void CheckBoth()
        {
            Check(
                weights,
                ElementTypes.Single,
                batch,
                (row, column, p) => Of(_input, (p * inputs) + row) * Of(_gradient, (p * outputs) + column),
                (_, _, sum) => sum);
            Check(biases, ElementTypes.Single, batch, (_, column, p) => Of(_gradient, (p * outputs) + column), (_, _, sum) => sum);
        }
    });

    private static T[] Rounded(ElementType<T> type, IEnumerable<float> values) => [.. values.Select(type.Round)];

    private double Of(T[] values, int place) => type.Widen(values[place]);

    private Matrix<T> Input(DeviceBuffers buffers) => new(buffers.Allocate(_input.Length, _input), batch, inputs);

    private Matrix<T> Weights(DeviceBuffers buffers) => new(buffers.Allocate(_weights.Length, _weights), inputs, outputs);

    private Matrix<T> Gradient(DeviceBuffers buffers) => new(buffers.Allocate(_gradient.Length, _gradient), batch, outputs);

    private void Check<TResult>(
        Matrix<TResult> result, ElementType<TResult> resultType, int terms, Func<int, int, int, double> term, Func<int, int, double, double> finish)
        where TResult : unmanaged
    {
        TResult[] actual = result.Data.GetAsArray();
        SampledCheck.Of(
            result.Rows,
            result.Columns,
            terms,
            TimingDevice.ProductError(kernels.Precision),
            resultType.Unit,
            term,
            finish,
            (row, column) => resultType.Widen(actual[(row * result.Columns) + column]));
    }
}

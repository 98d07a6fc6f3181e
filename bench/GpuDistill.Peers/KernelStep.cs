using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Peers;

/// <summary>A training step composed from the kernels' public interface alone: dense passes, fused loss, SGD.</summary>
internal sealed class KernelStep : IDisposable
{
    private readonly Accelerator _accelerator;
    private readonly List<MemoryBuffer> _buffers = [];
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _images;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _teacher;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _labels;
    private readonly MemoryBuffer1D<LossTotals, Stride1D.Dense> _totals;
    private readonly Matrix<float>[] _weights;
    private readonly ArrayView<float>[] _biases;
    private readonly LaunchSequence _sequence;

    public KernelStep(
        KernelContext kernels, int[] sizes, int batch, DistillationOptions loss, float learningRate, SgdOptions optimizer)
    {
        _accelerator = kernels.Accelerator;
        _images = Own(_accelerator.Allocate1D<float>((long)batch * sizes[0]));
        _teacher = Own(_accelerator.Allocate1D<float>((long)batch * sizes[^1]));
        _labels = Own(_accelerator.Allocate1D<int>(batch));
        _totals = Own(_accelerator.Allocate1D<LossTotals>(1));
        ArrayView<StepState> clock = Own(_accelerator.Allocate1D([StepClock.Before(0)])).View;

        int layers = sizes.Length - 1;
        _weights = new Matrix<float>[layers];
        _biases = new ArrayView<float>[layers];
        long length = 0;
        for (int layer = 0; layer < layers; layer++)
            length += Padded((long)sizes[layer] * sizes[layer + 1]) + Padded(sizes[layer + 1]);
        ArrayView<float> parameters = Zeros(length);
        ArrayView<float> gradients = Zeros(length);
        ArrayView<float> velocity = Zeros(length);
        Matrix<float>[] weightGradients = new Matrix<float>[layers];
        ArrayView<float>[] biasGradients = new ArrayView<float>[layers];
        long next = 0;
        for (int layer = 0; layer < layers; layer++)
        {
            long weights = (long)sizes[layer] * sizes[layer + 1];
            _weights[layer] = new Matrix<float>(parameters.SubView(next, weights), sizes[layer], sizes[layer + 1]);
            weightGradients[layer] = new Matrix<float>(gradients.SubView(next, weights), sizes[layer], sizes[layer + 1]);
            next += Padded(weights);
            _biases[layer] = parameters.SubView(next, sizes[layer + 1]);
            biasGradients[layer] = gradients.SubView(next, sizes[layer + 1]);
            next += Padded(sizes[layer + 1]);
        }

        List<Launch> launches = [StepClock.Bind(kernels, clock, LearningRateSchedule.Constant(learningRate))];
        Matrix<float>[] outputs = new Matrix<float>[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            outputs[layer] = new Matrix<float>(Zeros((long)batch * sizes[layer + 1]), batch, sizes[layer + 1]);
            launches.Add(DenseForward.Bind(
                kernels, Input(layer), _weights[layer], _biases[layer], outputs[layer], layer < layers - 1 ? Activation.Relu : Activation.Identity));
        }

        Matrix<float> gradient = outputs[^1];
        launches.Add(DistillationLoss.Bind(
            kernels,
            new DistillationInputs<float>
            {
                Student = gradient,
                Teacher = new Matrix<float>(_teacher.View, batch, sizes[^1]),
                Labels = _labels.View,
            },
            new DistillationOutputs<float> { Gradient = gradient, Totals = _totals.View },
            loss));
        for (int layer = layers - 1; layer >= 0; layer--)
        {
            launches.Add(DenseBackwardWeights.Bind(kernels, Input(layer), gradient, weightGradients[layer], biasGradients[layer]));
            if (layer == 0)
                break;
            Matrix<float> below = new(Zeros((long)batch * sizes[layer]), batch, sizes[layer]);
            launches.Add(DenseBackwardInput.Bind(
                kernels, gradient, _weights[layer], below, new Producer<float>(Activation.Relu, outputs[layer - 1])));
            gradient = below;
        }

        launches.Add(Sgd.Bind(kernels, parameters, gradients, velocity, clock, optimizer));
        _sequence = new LaunchSequence(launches);

        Matrix<float> Input(int layer) => layer == 0 ? new Matrix<float>(_images.View, batch, sizes[0]) : outputs[layer - 1];
    }

    public void Run() => _sequence.Run(_accelerator.DefaultStream);

    public void SetData(float[] images, float[] teacher, int[] labels)
    {
        _images.CopyFromCPU(images);
        _teacher.CopyFromCPU(teacher);
        _labels.CopyFromCPU(labels);
    }

    public void SetLayer(int layer, float[] weights, float[] biases)
    {
        _weights[layer].Data.CopyFromCPU(_accelerator.DefaultStream, weights);
        _biases[layer].CopyFromCPU(_accelerator.DefaultStream, biases);
        _accelerator.Synchronize();
    }

    public float[] Weights(int layer) => Read(_weights[layer].Data);

    public float[] Biases(int layer) => Read(_biases[layer]);

    public LossTotals Totals() => _totals.GetAsArray1D()[0];

    public void Dispose()
    {
        _sequence.Dispose();
        foreach (MemoryBuffer buffer in _buffers)
            buffer.Dispose();
    }

    // 64 floats are the 256 bytes on which kernels expect a view to start.
    private static long Padded(long length) => (length + 63) / 64 * 64;

    private float[] Read(ArrayView<float> view)
    {
        float[] values = new float[view.Length];
        view.CopyToCPU(_accelerator.DefaultStream, values);
        _accelerator.Synchronize();
        return values;
    }

    private ArrayView<float> Zeros(long length)
    {
        MemoryBuffer1D<float, Stride1D.Dense> buffer = Own(_accelerator.Allocate1D<float>(length));
        buffer.MemSetToZero();
        _accelerator.Synchronize();
        return buffer.View;
    }

    private T Own<T>(T buffer)
        where T : MemoryBuffer
    {
        _buffers.Add(buffer);
        return buffer;
    }
}

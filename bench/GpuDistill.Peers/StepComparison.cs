using GpuDistill.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace GpuDistill.Peers;

/// <summary>
/// A whole training step of a 784-h-h-10 ReLU network: forward, distillation loss, backward, SGD with momentum. Both start from
/// the same weights and see the same batch, and are compared after a few steps.
/// </summary>
internal sealed class StepComparison : Comparison
{
    private const float Temperature = 4;
    private const float SoftWeight = 0.9f;
    private const float HardWeight = 0.1f;
    private const float LearningRate = 0.01f;
    private const float Momentum = 0.9f;
    private const int StepsBeforeCheck = 5;

    private readonly int _hidden;
    private readonly int _batch;
    private readonly nn.Module<Tensor, Tensor> _model;
    private readonly nn.Module<Tensor, Tensor>[] _layers;
    private readonly optim.Optimizer _optimizer;
    private readonly Tensor _images;
    private readonly Tensor _teacher;
    private readonly Tensor _labels;
    private readonly KernelStep _ours;
    private float _peerLoss;

    public StepComparison(KernelContext kernels, int hidden, int batch)
    {
        (_hidden, _batch) = (hidden, batch);
        random.manual_seed(3);
        nn.Module<Tensor, Tensor>[] linear = [nn.Linear(784, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 10)];
        _layers = linear;
        _model = nn.Sequential(linear[0], nn.ReLU(), linear[1], nn.ReLU(), linear[2]);
        _optimizer = optim.SGD(_model.parameters(), LearningRate, Momentum);
        _images = rand(batch, 784);
        _teacher = randn(batch, 10) * 3;
        _labels = randint(0, 10, batch, int64);
        _ours = new KernelStep(
            kernels,
            [784, hidden, hidden, 10],
            batch,
            new DistillationOptions { Temperature = Temperature, SoftWeight = SoftWeight, HardWeight = HardWeight },
            LearningRate,
            new SgdOptions { Momentum = Momentum });
        _ours.SetData(
            _images.data<float>().ToArray(), _teacher.data<float>().ToArray(), [.. _labels.data<long>().ToArray().Select(label => (int)label)]);
        for (int layer = 0; layer < linear.Length; layer++)
        {
            (float[] weights, float[] biases) = Parameters(layer);
            _ours.SetLayer(layer, weights, biases);
        }
    }

    public override double Operations
    {
        get
        {
            // Two operations per weight and row, in forward, gradient of weights and gradient of inputs (not of the images).
            double first = 784.0 * _hidden;
            double rest = ((double)_hidden * _hidden) + (_hidden * 10.0);
            return 2.0 * _batch * ((2 * first) + (3 * rest));
        }
    }

    public override void Peer()
    {
        using DisposeScope scope = NewDisposeScope();
        _optimizer.zero_grad();
        Tensor logits = _model.call(_images);
        Tensor soft = nn.functional.kl_div(
            nn.functional.log_softmax(logits / Temperature, 1),
            nn.functional.softmax(_teacher / Temperature, 1),
            false,
            nn.Reduction.Sum) / _batch;
        Tensor loss = (soft * (SoftWeight * Temperature * Temperature)) + (nn.functional.cross_entropy(logits, _labels) * HardWeight);
        loss.backward();
        _optimizer.step();
        _peerLoss = loss.item<float>();
    }

    public override void Ours() => _ours.Run();

    public override void CheckAgreement()
    {
        for (int i = 0; i < StepsBeforeCheck; i++)
        {
            Peer();
            Ours();
        }

        LossTotals totals = _ours.Totals();
        RequireClose("the loss", _peerLoss, (SoftWeight * totals.KlDivergence) + (HardWeight * totals.Hard), 1e-3 * Math.Abs(_peerLoss));
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            (float[] weights, float[] biases) = Parameters(layer);
            RequireClose($"layer {layer}'s weights", weights, _ours.Weights(layer), 1e-4);
            RequireClose($"layer {layer}'s biases", biases, _ours.Biases(layer), 1e-4);
        }
    }

    public override void Dispose()
    {
        _ours.Dispose();
        _optimizer.Dispose();
        _model.Dispose();
        _images.Dispose();
        _teacher.Dispose();
        _labels.Dispose();
    }

    // libtorch keeps weights [outputs x inputs], we keep them [inputs x outputs].
    private (float[] Weights, float[] Biases) Parameters(int layer)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parameters = [.. _layers[layer].parameters()];
        return (parameters[0].detach().t().contiguous().data<float>().ToArray(), parameters[1].detach().data<float>().ToArray());
    }
}

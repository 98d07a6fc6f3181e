using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace GpuDistill.Peers;

/// <summary>
/// The distillation loss, forward and backward: T^2 KL(p, q) and the hard cross entropy, weighted. libtorch composes it from
/// log_softmax, softmax, kl_div and cross_entropy; ours is one fused launch.
/// </summary>
internal sealed class LossComparison : Comparison
{
    private const float Temperature = 4;
    private const float SoftWeight = 0.9f;
    private const float HardWeight = 0.1f;

    private readonly int _rows;
    private readonly int _classes;
    private readonly Tensor _student;
    private readonly Tensor _teacher;
    private readonly Tensor _labels;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _z;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _v;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _y;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _gradient;
    private readonly MemoryBuffer1D<LossTotals, Stride1D.Dense> _totals;
    private readonly Launch _launch;
    private readonly AcceleratorStream _stream;
    private float _peerLoss;

    public LossComparison(KernelContext kernels, int rows, int classes)
    {
        (_rows, _classes) = (rows, classes);
        _stream = kernels.Accelerator.DefaultStream;
        random.manual_seed(1);
        _student = (randn(rows, classes) * 3).requires_grad_();
        _teacher = randn(rows, classes) * 3;
        _labels = randint(0, classes, rows, int64);
        _z = kernels.Accelerator.Allocate1D(_student.detach().data<float>().ToArray());
        _v = kernels.Accelerator.Allocate1D(_teacher.data<float>().ToArray());
        _y = kernels.Accelerator.Allocate1D(_labels.data<long>().ToArray().Select(label => (int)label).ToArray());
        _gradient = kernels.Accelerator.Allocate1D<float>((long)rows * classes);
        _totals = kernels.Accelerator.Allocate1D<LossTotals>(1);
        _launch = DistillationLoss.Bind(
            kernels,
            new DistillationInputs<float>
            {
                Student = new Matrix<float>(_z.View, rows, classes),
                Teacher = new Matrix<float>(_v.View, rows, classes),
                Labels = _y.View,
            },
            new DistillationOutputs<float> { Gradient = new Matrix<float>(_gradient.View, rows, classes), Totals = _totals.View },
            new DistillationOptions { Temperature = Temperature, SoftWeight = SoftWeight, HardWeight = HardWeight });
    }

    // Student and teacher read once, gradient written once.
    public override double Bytes => 3.0 * sizeof(float) * _rows * _classes;

    public override void Peer()
    {
        using DisposeScope scope = NewDisposeScope();
        _student.grad?.zero_();
        Tensor soft = nn.functional.kl_div(
            nn.functional.log_softmax(_student / Temperature, 1),
            nn.functional.softmax(_teacher / Temperature, 1),
            false,
            nn.Reduction.Sum) / _rows;
        Tensor hard = nn.functional.cross_entropy(_student, _labels);
        Tensor loss = (soft * (SoftWeight * Temperature * Temperature)) + (hard * HardWeight);
        loss.backward();
        _peerLoss = loss.item<float>();
    }

    public override void Ours() => _launch.Run(_stream);

    public override void CheckAgreement()
    {
        Peer();
        Ours();
        LossTotals totals = _totals.GetAsArray1D()[0];
        totals.ThrowIfInvalid();
        RequireClose("the loss", _peerLoss, (SoftWeight * totals.KlDivergence) + (HardWeight * totals.Hard), 1e-4 * Math.Abs(_peerLoss));
        RequireClose("the gradient", _student.grad!.data<float>().ToArray(), _gradient.GetAsArray1D(), 2e-6 / _rows);
    }

    public override void Dispose()
    {
        _launch.Dispose();
        _student.Dispose();
        _teacher.Dispose();
        _labels.Dispose();
        _z.Dispose();
        _v.Dispose();
        _y.Dispose();
        _gradient.Dispose();
        _totals.Dispose();
    }
}

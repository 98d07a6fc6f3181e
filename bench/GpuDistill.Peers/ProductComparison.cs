using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace GpuDistill.Peers;

/// <summary>A matrix product of logical shape m x k x n, either factor possibly stored transposed.</summary>
internal sealed class ProductComparison : Comparison
{
    private readonly (int M, int K, int N) _shape;
    private readonly bool _transposeLeft;
    private readonly bool _transposeRight;
    private readonly Tensor _left;
    private readonly Tensor _right;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _a;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _b;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _c;
    private readonly Launch _launch;
    private readonly AcceleratorStream _stream;

    public ProductComparison(KernelContext kernels, int m, int k, int n, bool transposeLeft = false, bool transposeRight = false)
    {
        _shape = (m, k, n);
        (_transposeLeft, _transposeRight) = (transposeLeft, transposeRight);
        _stream = kernels.Accelerator.DefaultStream;
        random.manual_seed(2);
        (int leftRows, int leftColumns) = transposeLeft ? (k, m) : (m, k);
        (int rightRows, int rightColumns) = transposeRight ? (n, k) : (k, n);
        _left = randn(leftRows, leftColumns);
        _right = randn(rightRows, rightColumns);
        _a = kernels.Accelerator.Allocate1D(_left.data<float>().ToArray());
        _b = kernels.Accelerator.Allocate1D(_right.data<float>().ToArray());
        _c = kernels.Accelerator.Allocate1D<float>((long)m * n);
        _launch = MatrixProduct.Bind(
            kernels,
            new Matrix<float>(_a.View, leftRows, leftColumns),
            new Matrix<float>(_b.View, rightRows, rightColumns),
            new Matrix<float>(_c.View, m, n),
            transposeLeft,
            transposeRight);
    }

    public override double Operations => 2.0 * _shape.M * _shape.K * _shape.N;

    public override void Peer()
    {
        using DisposeScope scope = NewDisposeScope();
        Product();
    }

    public override void Ours() => _launch.Run(_stream);

    public override void CheckAgreement()
    {
        using DisposeScope scope = NewDisposeScope();
        Ours();
        Tensor product = Product();
        RequireClose("the product", product.contiguous().data<float>().ToArray(), _c.GetAsArray1D(), 4e-6 * _shape.K);
    }

    public override void Dispose()
    {
        _launch.Dispose();
        _left.Dispose();
        _right.Dispose();
        _a.Dispose();
        _b.Dispose();
        _c.Dispose();
    }

    private Tensor Product() => mm(_transposeLeft ? _left.t() : _left, _transposeRight ? _right.t() : _right);
}

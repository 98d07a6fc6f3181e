using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

/// <summary>The dense operations in bf16, on tensor cores where they are and elsewhere over copies in single precision.</summary>
public class BFloat16Tests
{
    // Rows that begin at multiples of 16 bytes, and not; batch, the layer's inputs, its outputs.
    private static readonly (int Batch, int Inputs, int Outputs)[] Shapes = [(1, 1, 1), (7, 13, 31), (9, 40, 72), (17, 67, 3)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Products_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int terms, int columns) in Shapes)
        {
            foreach ((bool left, bool right) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
                BFloat16Data.CheckProduct(context, rows, terms, columns, left, right, $"{variant}");
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_forward_pass_matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in Shapes)
        {
            foreach (Activation activation in DenseData.Activations)
                BFloat16Data.CheckForward(context, batch, inputs, outputs, activation, activation == Activation.Gelu ? 0 : 0.3f);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_input_gradient_matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in Shapes)
        {
            foreach (Activation activation in DenseData.Activations)
                BFloat16Data.CheckInputGradient(context, batch, inputs, outputs, activation, activation == Activation.Gelu ? 0 : 0.3f);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Weight_gradients_match_the_reference_in_single_precision(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in Shapes)
            BFloat16Data.CheckWeightGradients(context, batch, inputs, outputs);
    }

    [Fact]
    public void Other_types_are_refused_by_name()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<double> a = new(context, 4);
        using GuardedBuffer<double> b = new(context, 4);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(
            () => MatrixProduct.Bind(context, a.Matrix(2, 2), a.Matrix(2, 2), b.Matrix(2, 2)));
        Assert.Contains("float and BFloat16", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_of_products_in_bf16_refuses_matrices_in_single_precision()
    {
        using KernelContext context = new(TestDevices.Get("cpu", KernelVariant.Auto).Accelerator, precision: MatrixPrecision.BFloat16);
        using GuardedBuffer<float> a = new(context, 4);
        using GuardedBuffer<float> b = new(context, 4);
        using GuardedBuffer<float> c = new(context, 4);
        using GuardedBuffer<float> biases = new(context, 2);
        Matrix<float> left = a.Matrix(2, 2), right = b.Matrix(2, 2), result = c.Matrix(2, 2);
        foreach (Action bind in (Action[])[
            () => MatrixProduct.Bind(context, left, right, result),
            () => DenseForward.Bind(context, left, right, biases.View, result),
            () => DenseBackwardInput.Bind(context, left, right, result),
            () => DenseBackwardWeights.Bind(context, left, right, result, biases.View)])
        {
            Assert.EndsWith(
                " got matrices in single precision, and the precision chosen for products is BFloat16.",
                Assert.Throws<NotSupportedException>(bind).Message,
                StringComparison.Ordinal);
        }

        using GuardedBuffer<BFloat16> rounded = new(context, 4);
        MatrixProduct.Bind(context, rounded.Matrix(1, 4), rounded.Matrix(4, 1), new Matrix<BFloat16>(a.View.Cast<BFloat16>(), 1, 1)).Dispose();
    }

    [Fact]
    public void Single_precision_has_no_output_in_bf16()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> a = new(context, 4);
        using GuardedBuffer<BFloat16> c = new(context, 4);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(
            () => DenseForward.Bind(context, a.Matrix(2, 2), a.Matrix(2, 2), a.View.SubView(0, 2), c.Matrix(2, 2)));
        Assert.Equal("DenseForward has no output in bf16 of matrices in single precision.", refused.Message);
    }
}

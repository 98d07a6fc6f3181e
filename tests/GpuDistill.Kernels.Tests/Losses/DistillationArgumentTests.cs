using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>Bad arguments are refused when a loss is bound, with a sentence that says what to do.</summary>
public sealed class DistillationArgumentTests : IDisposable
{
    private readonly KernelContext _context = TestDevices.Get("cpu", KernelVariant.Auto);
    private readonly GuardedBuffer<float> _student;
    private readonly GuardedBuffer<float> _teacher;
    private readonly GuardedBuffer<float> _other;
    private readonly GuardedBuffer<int> _integers;
    private readonly GuardedBuffer<LossTotals> _totals;

    public DistillationArgumentTests()
    {
        _student = new(_context, 40);
        _teacher = new(_context, 80);
        _other = new(_context, 80);
        _integers = new(_context, 40);
        _totals = new(_context, 2);
    }

    private DistillationInputs<float> Inputs =>
        new() { Student = _student.Matrix(4, 10), Teacher = _teacher.Matrix(4, 10), Labels = _integers.View.SubView(30, 4) };

    private DistillationOutputs<float> Written => new() { Totals = _totals.View.SubView(0, 1) };

    public void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
        _other.Dispose();
        _integers.Dispose();
        _totals.Dispose();
    }

    [Fact]
    public void Options_out_of_range()
    {
        DistillationOptions[] bad =
        [
            new() { Temperature = 0 }, new() { Temperature = -1 }, new() { Temperature = float.NaN }, new() { Temperature = float.PositiveInfinity },
            new() { Temperature = 1e30f }, new() { Temperature = 1e-30f }, new() { SoftWeight = -1 }, new() { SoftWeight = float.NaN },
            new() { HardWeight = -0.1f }, new() { HardWeight = float.PositiveInfinity }, new() { LabelSmoothing = 1 },
            new() { LabelSmoothing = -0.1f }, new() { LabelSmoothing = float.NaN }, new() { LabelBlend = 1.1f }, new() { LabelBlend = float.NaN },
            new() { Normalizer = 0 }, new() { Normalizer = -1 }, new() { Normalizer = float.NaN }, new() { Reduction = (Reduction)9 },
        ];
        foreach (DistillationOptions options in bad)
            Assert.Throws<ArgumentOutOfRangeException>(() => DistillationLoss.Bind(_context, Inputs, Written, options));
        Refused(Inputs, default, new() { Normalizer = 2, Reduction = Reduction.None });
        DistillationLoss.Bind(_context, Inputs, Written, new() { Temperature = 1e30f, ScaleByTemperatureSquared = false }).Dispose();
    }

    [Fact]
    public void What_would_have_no_effect()
    {
        DistillationInputs<float> weighted = Inputs with { ClassWeights = _other.View.SubView(0, 10) };
        Refused(weighted, default, new() { HardWeight = 0 }, "ClassWeights", "HardWeight");
        Refused(Inputs, default, new() { HardWeight = 0, LabelSmoothing = 0.1f }, "LabelSmoothing", "HardWeight");
        Refused(Inputs, default, new() { SoftWeight = 0, LabelBlend = 0.1f }, "LabelBlend", "SoftWeight");
        DistillationLoss.Bind(_context, weighted, Written, new() { LabelSmoothing = 0.1f, LabelBlend = 0.1f }).Dispose();
        // With no weight at all the hard loss is still reported, and both change it.
        DistillationLoss.Bind(_context, weighted, Written, new() { SoftWeight = 0, HardWeight = 0, LabelSmoothing = 0.1f }).Dispose();
    }

    [Fact]
    public void Nothing_to_write_or_to_learn_from()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => DistillationLoss.Bind(_context, Inputs, default));
        Assert.Contains("There is nothing to write", exception.Message);
        Refused(Inputs with { Labels = default }, Written, null, "HardWeight is 0.1 and there are no labels");
        DistillationLoss.Bind(_context, Inputs with { Labels = default }, Written, new() { HardWeight = 0 }).Dispose();
    }

    [Fact]
    public void Shapes_that_do_not_fit()
    {
        Refused(Inputs with { Student = _student.Matrix(40, 1), Teacher = _teacher.Matrix(40, 1), Labels = _integers.View });
        Refused(Inputs with { Student = _student.Matrix(0, 10) });
        Refused(Inputs with { Teacher = _teacher.Matrix(5, 10) });
        Refused(Inputs with { Teacher = _teacher.Matrix(4, 11) });
        Refused(Inputs with { Teacher = default });
        Refused(Inputs with { Labels = _integers.View.SubView(0, 3) });
        Refused(Inputs with { TeacherRows = _integers.View.SubView(0, 5) });
        Refused(Inputs with { TeacherRows = _integers.View.SubView(0, 4), Teacher = _teacher.Matrix(7, 11) });
        Refused(Inputs with { ClassWeights = _other.View.SubView(0, 9) });
        Refused(Inputs, new() { Gradient = _other.Matrix(4, 11) });
        Refused(Inputs, new() { SoftLosses = _other.View.SubView(0, 3) });
        Refused(Inputs, new() { HardLosses = _other.View.SubView(0, 5) });
        Refused(Inputs, new() { TotalLosses = _other.View.SubView(0, 5) });
        Refused(Inputs, new() { Totals = _totals.View });
        Refused(Inputs, new() { Running = _totals.View });
        DistillationLoss.Bind(_context, Inputs with { Teacher = _teacher.Matrix(7, 10), TeacherRows = _integers.View.SubView(0, 4) }, Written).Dispose();
    }

    [Fact]
    public void Buffers_that_overlap()
    {
        ArrayView<float> shifted = _teacher.View.SubView(20, 40);
        Refused(Inputs, new() { Gradient = Inputs.Teacher });
        Refused(Inputs, new() { Gradient = new Matrix<float>(shifted, 4, 10) });
        Refused(Inputs with { Student = _teacher.Matrix(4, 10) }, new() { Gradient = new Matrix<float>(shifted, 4, 10) });
        Refused(Inputs, new() { SoftLosses = _student.View.SubView(0, 4) });
        Refused(Inputs, new() { SoftLosses = _other.View.SubView(0, 4), HardLosses = _other.View.SubView(3, 4) }, null, "SoftLosses", "HardLosses");
        Refused(Inputs, new() { Gradient = _other.Matrix(4, 10), TotalLosses = _other.View.SubView(39, 4) });
        Refused(Inputs, new() { Totals = _totals.View.SubView(0, 1), Running = _totals.View.SubView(0, 1) });
    }

    [Fact]
    public void A_type_without_kernels()
    {
        using GuardedBuffer<double> doubles = new(_context, 40);
        Matrix<double> matrix = doubles.Matrix(4, 10);
        Assert.Throws<NotSupportedException>(
            () => DistillationLoss.Bind(_context, new DistillationInputs<double> { Student = matrix, Teacher = matrix }, default));
        NotSupportedException exception = Assert.Throws<NotSupportedException>(() => CrossEntropy.Bind(_context, matrix, _integers.View.SubView(0, 4), default));
        Assert.Contains("float, System.Half, ILGPU.Half and GpuDistill.Kernels.BFloat16, not of System.Double", exception.Message);
        Assert.Throws<NotSupportedException>(() => TemperatureSoftmax.Bind(_context, matrix, matrix));
    }

    private void Refused(
        DistillationInputs<float> inputs, DistillationOutputs<float> outputs = default, DistillationOptions? options = null, params string[] named)
    {
        outputs = outputs == default ? Written : outputs;
        ArgumentException exception = Assert.Throws<ArgumentException>(() => DistillationLoss.Bind(_context, inputs, outputs, options));
        Assert.NotEmpty(exception.Message);
        Assert.All(named, name => Assert.Contains(name, exception.Message));
    }
}

using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>A batch for <see cref="LogitMatching"/> on the host; empty rows or labels are not given to the kernel.</summary>
internal sealed record LogitMatchingCase(int Rows, int Columns, float[] Student, float[] Teacher, int[] TeacherRows, int[] Labels)
{
    public LogitMatchingCase(int rows, int columns, float[] student, float[] teacher)
        : this(rows, columns, student, teacher, [], [])
    {
    }

    /// <summary>The definition for a valid row.</summary>
    public (double Loss, double[] Gradient) Reference(int row, bool zeroMean) =>
        LogitMatching.Reference(
            [.. StudentRow(row).Select(x => (double)x)], [.. TeacherRow(row).Select(x => (double)x)], zeroMean);

    /// <summary>The largest finite |logit| of student and teacher: the unit of errors.</summary>
    public double LargestLogit(int row) => StudentRow(row).Concat(TeacherRow(row)).Where(float.IsFinite).Max(MathF.Abs);

    /// <summary>Asks for everything, twice: apart, then in place, which must agree bit for bit.</summary>
    public LogitMatchingResult Run(KernelContext context, LogitMatchingOptions options)
    {
        AcceleratorStream stream = context.Accelerator.DefaultStream;
        using GuardedBuffer<float> student = new(context, Student);
        using GuardedBuffer<float> teacher = new(context, Teacher);
        using GuardedBuffer<int> teacherRows = new(context, TeacherRows);
        using GuardedBuffer<int> labels = new(context, Labels);
        using GuardedBuffer<float> gradient = new(context, Student.Length);
        using GuardedBuffer<float> soft = new(context, Rows);
        using GuardedBuffer<float> hard = new(context, Rows);
        using GuardedBuffer<float> total = new(context, Rows);
        using GuardedTotals totals = new(context);
        DistillationInputs<float> inputs = new()
        {
            Student = student.Matrix(Rows, Columns),
            Teacher = teacher.Matrix(Teacher.Length / Columns, Columns),
            TeacherRows = teacherRows.View,
            Labels = labels.View,
        };
        DistillationOutputs<float> outputs = new()
        {
            Gradient = gradient.Matrix(Rows, Columns),
            SoftLosses = soft.View,
            HardLosses = hard.View,
            TotalLosses = total.View,
            Totals = totals.Batch,
            Running = totals.Running,
        };
        using Launch apart = LogitMatching.Bind(context, inputs, outputs, options);
        apart.Run(stream);
        LogitMatchingResult result = new(Columns, gradient.Read(), soft.Read(), hard.Read(), total.Read(), totals.Read().Batch, default);
        Assert.Equal(Student, student.Read());

        using Launch inPlace = LogitMatching.Bind(context, inputs, outputs with { Gradient = inputs.Student }, options);
        inPlace.Run(stream);
        Assert.Equal(result.Gradient, student.Read());
        Assert.Equal(result.SoftLosses, soft.Read());
        Assert.Equal(result.Totals, totals.Read().Batch);
        Assert.Equal(Teacher, teacher.Read());
        Assert.Equal(TeacherRows, teacherRows.Read());
        Assert.Equal(Labels, labels.Read());
        return result with { Running = totals.Read().Running };
    }

    /// <summary>Runs the batch and compares all that it wrote with the reference.</summary>
    public void Check(KernelContext context, LogitMatchingOptions options)
    {
        LogitMatchingResult result = Run(context, options);
        double sum = 0;
        double largest = 0;
        for (int row = 0; row < Rows; row++)
        {
            string what = $"[{Rows} x {Columns}], {options}, row {row}";
            (double loss, double[] gradient) = Reference(row, options.ZeroMean);
            double unit = LargestLogit(row);
            double scale = options.Weight / Rows;
            sum += loss;
            largest = Math.Max(largest, unit);
            Tolerance.SquaredDifference.Check(loss / unit / unit, result.SoftLosses[row] / unit / unit, what);
            Tolerance.SquaredDifference.Check(options.Weight * loss / unit / unit, result.TotalLosses[row] / unit / unit, what);
            Assert.Equal(0, result.HardLosses[row]);
            Tolerance.LogitDifference.Check(
                [.. gradient.Select(g => g / unit)], [.. result.Row(row).Select(g => (float)(g / scale / unit))], what);
        }

        double square = largest * largest;
        Tolerance.SquaredDifference.Check(sum / Rows / square, result.Totals.Soft / square, "mean");
        Assert.Equal(options.Weight * result.Totals.Soft, result.Totals.Total);
    }

    private float[] StudentRow(int row) => Student[(row * Columns)..((row + 1) * Columns)];

    private float[] TeacherRow(int row)
    {
        int source = TeacherRows.Length > 0 ? TeacherRows[row] : row;
        return Teacher[(source * Columns)..((source + 1) * Columns)];
    }
}

/// <summary>What it wrote.</summary>
internal sealed record LogitMatchingResult(
    int Columns, float[] Gradient, float[] SoftLosses, float[] HardLosses, float[] TotalLosses, LossTotals Totals, LossTotals Running)
{
    public float[] Row(int row) => Gradient[(row * Columns)..((row + 1) * Columns)];
}

/// <summary>Totals and running totals on the device, zeroed, with an element on either side that must stay zero.</summary>
internal sealed class GuardedTotals(KernelContext context) : IDisposable
{
    private readonly MemoryBuffer1D<LossTotals, Stride1D.Dense> _buffer = context.Accelerator.Allocate1D(new LossTotals[5]);

    public ArrayView<LossTotals> Batch => ((ArrayView<LossTotals>)_buffer.View).SubView(1, 1);

    public ArrayView<LossTotals> Running => ((ArrayView<LossTotals>)_buffer.View).SubView(3, 1);

    public (LossTotals Batch, LossTotals Running) Read()
    {
        context.Accelerator.DefaultStream.Synchronize();
        LossTotals[] all = _buffer.GetAsArray1D();
        Assert.Equal([default, default, default], [all[0], all[2], all[4]]);
        return (all[1], all[3]);
    }

    public void Dispose() => _buffer.Dispose();
}

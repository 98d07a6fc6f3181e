using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>One batch on a device with every output, checked for repeatability, in-place work and writes out of bounds.</summary>
internal sealed record LossCase(int Rows, int Columns, float[] Student, float[] Teacher, int[]? Labels)
{
    public DistillationOptions Options { get; init; } = new();

    public float[]? ClassWeights { get; init; }

    public int[]? TeacherRows { get; init; }

    /// <summary>Whether the losses of each row are asked for.</summary>
    public bool HasRowLosses { get; init; } = true;

    /// <summary>Peaky logits, labels with every third row unlabelled.</summary>
    public static LossCase Peaky(int rows, int columns, int seed = 1) => new(
        rows, columns, TestData.PeakyLogits(rows, columns, seed), TestData.PeakyLogits(rows, columns, seed + 1), LabelsOf(rows, columns, seed));

    public static int[] LabelsOf(int rows, int columns, int seed)
    {
        Random random = new(seed);
        int[] labels = new int[rows];
        for (int i = 0; i < rows; i++)
            labels[i] = i % 3 == 2 ? -100 : random.Next(columns);
        return labels;
    }

    public DistillationLoss.Reference.Batch Reference() =>
        new DistillationLoss.Reference(Options, Columns, ClassWeights).Run(Student, Teacher, Labels, TeacherRows);

    public LossResult Run(KernelContext context)
    {
        LossResult apart = Run(context, inPlace: false);
        LossResult inPlace = Run(context, inPlace: true);
        Assert.Equal(apart.Gradient, inPlace.Gradient);
        Assert.Equal(apart.Totals, inPlace.Totals);
        Assert.Equal(apart.Soft, inPlace.Soft);
        Assert.Equal(apart.Hard, inPlace.Hard);
        return apart;
    }

    public LossResult Run(KernelContext context, bool inPlace)
    {
        using GuardedBuffer<float> student = new(context, Student);
        using GuardedBuffer<float> teacher = new(context, Teacher);
        using GuardedBuffer<int> labels = new(context, Labels ?? []);
        using GuardedBuffer<int> teacherRows = new(context, TeacherRows ?? []);
        using GuardedBuffer<float> classWeights = new(context, ClassWeights ?? []);
        using GuardedBuffer<float> gradient = new(context, Student.Length);
        using GuardedBuffer<float> soft = new(context, Rows);
        using GuardedBuffer<float> hard = new(context, Rows);
        using GuardedBuffer<float> total = new(context, Rows);
        using GuardedBuffer<LossTotals> totals = new(context, 1);
        using GuardedBuffer<LossTotals> running = new(context, [default(LossTotals)]);
        DistillationInputs<float> inputs = new()
        {
            Student = student.Matrix(Rows, Columns),
            Teacher = Teacher.Length == 0 ? default : teacher.Matrix(Teacher.Length / Columns, Columns),
            Labels = Labels is null ? default : labels.View,
            TeacherRows = TeacherRows is null ? default : teacherRows.View,
            ClassWeights = ClassWeights is null ? default : classWeights.View,
        };
        DistillationOutputs<float> outputs = new()
        {
            Gradient = (inPlace ? student : gradient).Matrix(Rows, Columns),
            SoftLosses = HasRowLosses ? soft.View : default,
            HardLosses = HasRowLosses ? hard.View : default,
            TotalLosses = HasRowLosses ? total.View : default,
            Totals = totals.View,
            Running = running.View,
        };
        using Launch launch = DistillationLoss.Bind(context, inputs, outputs, Options);
        launch.Run(context.Accelerator.DefaultStream);
        LossTotals batch = totals.Read("totals")[0];
        Assert.Equal(batch, running.Read("running")[0]);
        Assert.Equal(Teacher, teacher.Read("teacher"));
        if (!inPlace)
            Assert.Equal(Student, student.Read("student"));
        labels.Read("labels");
        teacherRows.Read("teacher rows");
        classWeights.Read("class weights");
        return new LossResult(
            (inPlace ? student : gradient).Read("gradient"), soft.Read("soft losses"), hard.Read("hard losses"), total.Read("total losses"), batch);
    }

    /// <summary>Runs and compares everything with the definition.</summary>
    public LossResult Check(KernelContext context, string what)
    {
        LossResult actual = Run(context);
        DistillationLoss.Reference.Batch expected = Reference();
        what = $"{what}, [{Rows} x {Columns}], {Options}";
        // A row's terms are bounded by its losses, not by their difference KL, and the gradient's by the objectives' largest elements.
        double scale = Options.ScaleByTemperatureSquared ? (double)Options.Temperature * Options.Temperature : 1;
        double[] softMagnitude = [.. expected.Rows.Select(row => scale + row.Soft)];
        for (int i = 0; HasRowLosses && i < Rows; i++)
        {
            DistillationLoss.Reference.Row row = expected.Rows[i];
            Tolerance.RowLoss.Check(row.Soft, actual.Soft[i], softMagnitude[i], $"{what}: soft loss of row {i}");
            Tolerance.RowLoss.Check(row.Hard, actual.Hard[i], 1 + row.Hard, $"{what}: hard loss of row {i}");
            Tolerance.RowLoss.Check(
                (Options.SoftWeight * row.Soft) + (Options.HardWeight * row.Hard),
                actual.Total[i],
                (Options.SoftWeight * softMagnitude[i]) + (Options.HardWeight * (1 + row.Hard)),
                $"{what}: total loss of row {i}");
        }

        CheckGradient(expected, actual.Gradient, what);
        CheckTotals(expected, actual.Totals, softMagnitude, what);
        return actual;
    }

    private void CheckGradient(DistillationLoss.Reference.Batch expected, float[] actual, string what)
    {
        for (int row = 0; row < Rows; row++)
        {
            // Arguments of small exponentials are large and so are their errors; they stay small beside the row's largest.
            double floor = 0.01 * expected.GradientSize.AsSpan(row * Columns, Columns).ToArray().Max();
            for (int i = row * Columns; i < (row + 1) * Columns; i++)
                Tolerance.LossGradient.Check(expected.Gradient[i], actual[i], expected.GradientSize[i] + floor, $"{what}: gradient, row {row}, class {i - (row * Columns)}");
        }
    }

    private void CheckTotals(DistillationLoss.Reference.Batch expected, LossTotals actual, double[] softMagnitude, string what)
    {
        double reduction = expected.Rows.Sum(row => row.Soft) is var sum and > 0 ? expected.Soft / sum : 0;
        double soft = softMagnitude.Sum() * reduction;
        Tolerance.RowLoss.Check(expected.Soft, actual.Soft, soft, $"{what}: soft total");
        Tolerance.RowLoss.Check(expected.KlDivergence, actual.KlDivergence, soft, $"{what}: KL divergence");
        Tolerance.RowLoss.Check(expected.Hard, actual.Hard, 1 + expected.Hard, $"{what}: hard total");
        Tolerance.RowLoss.Check(expected.Total, actual.Total, soft + 1 + expected.Total, $"{what}: total");
        Assert.Equal(Rows, actual.Rows);
        Assert.Equal(expected.Labelled, actual.Labelled);
        Assert.Equal(expected.Correct, actual.Correct);
        int invalid = Array.FindIndex(expected.Rows, row => row.Reason != InvalidRowReason.None);
        Assert.Equal(invalid >= 0, actual.InvalidRow is not null);
        if (invalid >= 0)
        {
            InvalidRowException exception = Assert.Throws<InvalidRowException>(() => actual.ThrowIfInvalid());
            bool gathered = TeacherRows is not null && expected.Rows[invalid].Reason != InvalidRowReason.TeacherRow;
            Assert.Equal(gathered ? TeacherRows![invalid] : invalid, exception.Row);
            Assert.Equal(expected.Rows[invalid].Reason, exception.Reason);
        }
    }
}

/// <summary>What a batch gave.</summary>
internal sealed record LossResult(float[] Gradient, float[] Soft, float[] Hard, float[] Total, LossTotals Totals);

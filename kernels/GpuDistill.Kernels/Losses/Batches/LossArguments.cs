using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>What a loss over a batch of rows is bound to, as its kernels take it. A device struct.</summary>
internal struct LossArguments<T>
    where T : unmanaged
{
    public ArrayView<T> Student;
    public ArrayView<T> Teacher;
    public ArrayView<int> TeacherRows;
    public ArrayView<int> Labels;
    public ArrayView<float> ClassWeights;
    public ArrayView<T> Gradient;
    public ArrayView<float> SoftLosses;
    public ArrayView<float> HardLosses;
    public ArrayView<float> TotalLosses;
    public ArrayView<LossTotals> Totals;
    public ArrayView<LossTotals> Running;
    public ArrayView<float> Scales;

    // What the totals are made of: records of the rows, where the kernel leaves such, and sums over blocks of rows.
    public ArrayView<RowRecord> Records;
    public ArrayView<BatchSums> BlockSums;
    public ArrayView<BatchCounts> BlockCounts;

    // How many groups of a launch have summed their block; 0 between launches.
    public ArrayView<int> Finished;
    public LossSettings Settings;
    public int Rows;
    public int TeamSize;

    // 0 or 1: device code has no test for an empty view that every backend agrees on.
    public int HasTeacherRows;
    public int HasLabels;
    public int HasClassWeights;
    public int HasGradient;
    public int HasSoftLosses;
    public int HasHardLosses;
    public int HasTotalLosses;
    public int HasTotals;
    public int HasRunning;
    public int HasRecords;
}

/// <summary>How those arguments come about, and what follows from them.</summary>
internal static class LossArguments
{
    public static LossArguments<T> Of<T>(DistillationInputs<T> inputs, DistillationOutputs<T> outputs, LossSettings settings)
        where T : unmanaged => new()
        {
            Student = inputs.Student.Data,
            Teacher = inputs.Teacher.Data,
            TeacherRows = inputs.TeacherRows,
            Labels = inputs.Labels,
            ClassWeights = inputs.ClassWeights,
            Gradient = outputs.Gradient.Data,
            SoftLosses = outputs.SoftLosses,
            HardLosses = outputs.HardLosses,
            TotalLosses = outputs.TotalLosses,
            Totals = outputs.Totals,
            Running = outputs.Running,
            Settings = settings,
            Rows = inputs.Student.Rows,
            HasTeacherRows = Flag(inputs.TeacherRows),
            HasLabels = Flag(inputs.Labels),
            HasClassWeights = Flag(inputs.ClassWeights),
            HasGradient = Flag(outputs.Gradient.Data),
            HasSoftLosses = Flag(outputs.SoftLosses),
            HasHardLosses = Flag(outputs.HardLosses),
            HasTotalLosses = Flag(outputs.TotalLosses),
            HasTotals = Flag(outputs.Totals),
            HasRunning = Flag(outputs.Running),
        };

    public static bool AreAligned<T>(LossArguments<T> a)
        where T : unmanaged =>
        BufferSpan.IsAligned(a.Student) && BufferSpan.IsAligned(a.Teacher) && BufferSpan.IsAligned(a.Gradient);

    /// <summary>What soft losses are multiplied by for the batch.</summary>
    public static float SoftReductionOf<T>(LossArguments<T> a)
        where T : unmanaged =>
        a.Settings.Counts != 0 ? a.Scales[0] : a.Settings.SoftReduction;

    /// <summary>What hard losses are multiplied by for the batch.</summary>
    public static float HardReductionOf<T>(LossArguments<T> a)
        where T : unmanaged =>
        a.Settings.Counts != 0 ? a.Scales[1] : a.Settings.HardReduction;

    private static int Flag<T>(ArrayView<T> view)
        where T : unmanaged =>
        view.Length > 0 ? 1 : 0;
}

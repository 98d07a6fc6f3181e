using ILGPU;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    /// <summary>
    /// Teacher and student logits of a row that span at most half a temperature make it "flat": every exponential is near 1
    /// and q - p is a small difference of nearly equal numbers, which is then computed from e^x - 1 instead. Looked for
    /// only from this temperature on; below it, the plain difference is as good.
    /// </summary>
    internal const float LowestFlatTemperature = 16;

    internal struct Arguments<T>
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

    /// <summary>The options in the form that a row's arithmetic uses.</summary>
    internal struct LossSettings
    {
        public int Columns;
        public float InverseTemperature;
        public float SoftScale;
        public float SoftWeight;
        public float HardWeight;
        public float Smoothing;
        public float SmoothingPerClass;
        public float Blend;
        public int IgnoreIndex;

        // Rows of teacher logits; the largest integer where no teacher is read.
        public int TeacherCount;

        // 0 or 1
        public int Soft;
        public int Hard;
        public int SeeksFlatRows;

        // 1 where the reductions' scales come from a first pass over the labels, else the two scales stand here.
        public int Counts;
        public float SoftReduction;
        public float HardReduction;
    }

    /// <summary>What the totals need of one row.</summary>
    internal struct RowRecord
    {
        public float Soft;
        public float KlDivergence;
        public float Hard;

        // Bit 0: labelled; bit 1: predicted right; from bit 8: the reason why it is invalid.
        public int State;

        public static RowRecord Of(RowLoss loss, bool labelled, bool correct) => new()
        {
            Soft = loss.Soft,
            KlDivergence = loss.KlDivergence,
            Hard = loss.Hard,
            State = (labelled ? 1 : 0) + (correct && loss.Reason == 0 ? 2 : 0) + (loss.Reason << 8),
        };
    }
}

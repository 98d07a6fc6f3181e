using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

// What all variants are given, and what those on the CPU keep between their passes.
public static partial class LogitMatching
{
    internal struct Arguments
    {
        public ArrayView<float> Student;
        public ArrayView<float> Teacher;
        public ArrayView<int> TeacherRows;
        public ArrayView<int> Labels;
        public ArrayView<float> Gradient;
        public ArrayView<float> SoftLosses;
        public ArrayView<float> HardLosses;
        public ArrayView<float> TotalLosses;
        public ArrayView<LossTotals> Totals;
        public ArrayView<LossTotals> Running;

        /// <summary>[Rows]: the outcome of each row.</summary>
        public ArrayView<RowOutcome> Outcomes;

        /// <summary>[1]: the scale of the losses where it follows from the number of rows that take part.</summary>
        public ArrayView<float> MeanScale;

        public int Rows;
        public int Columns;
        public int TeacherCount;
        public int ZeroMean;
        public int IgnoreIndex;
        public int OverRowsTakingPart;
        public float Scale;
        public float Weight;

        public readonly bool WantsTotals => Totals.Length > 0 || Running.Length > 0;

        /// <summary>The row of the teacher for a row of the batch; it may be out of range.</summary>
        public readonly int TeacherRow(long row) => TeacherRows.Length > 0 ? TeacherRows[row] : (int)row;

        /// <summary>The label of a row of the batch; it may be neither a class nor the ignore index.</summary>
        public readonly int Label(long row) => Labels.Length > 0 ? Labels[row] : IgnoreIndex;

        /// <summary>Writes what is wanted of a row's losses.</summary>
        public readonly void StoreLosses(long row, float loss)
        {
            if (SoftLosses.Length > 0)
                SoftLosses[row] = loss;
            if (HardLosses.Length > 0)
                HardLosses[row] = 0;
            if (TotalLosses.Length > 0)
                TotalLosses[row] = Weight * loss;
        }

        /// <summary>Completes the totals of the batch and writes them where they are wanted.</summary>
        /// <param name="batch">Its counts.</param>
        /// <param name="lossSum">The sum of its rows' losses.</param>
        /// <param name="takingPart">Rows that <see cref="Reduction.Mean"/> divides by.</param>
        /// <param name="firstInvalid">The first invalid row, or the number of rows.</param>
        public readonly void StoreTotals(LossTotals batch, float lossSum, long takingPart, int firstInvalid)
        {
            float scale = OverRowsTakingPart == 0 ? Scale : takingPart > 0 ? 1f / takingPart : 0;
            if (OverRowsTakingPart != 0)
                MeanScale[0] = scale;
            batch.Soft = lossSum * scale;
            batch.KlDivergence = batch.Soft;
            batch.Total = Weight * batch.Soft;
            batch.Rows = Rows;
            if (firstInvalid < Rows)
            {
                batch.InvalidRowPlusOne = 1 + LossTotals.NumberOf(firstInvalid, TeacherRow(firstInvalid), TeacherCount);
                batch.InvalidReason = Outcomes[firstInvalid].Reason;
            }

            if (Totals.Length > 0)
                Totals[0] = batch;
            if (Running.Length > 0)
                Running[0] = LossTotals.Add(Running[0], batch);
        }
    }

    /// <summary>What became of a row; loss and correctness are 0 where it is invalid.</summary>
    internal struct RowOutcome
    {
        public float Loss;
        public int Labelled;
        public int Correct;

        /// <summary>An <see cref="InvalidRowReason"/>.</summary>
        public int Reason;

        /// <summary>Whether <see cref="Reduction.Mean"/> counts the row, as <see cref="DistillationLoss"/> does: it has a place there whatever its logits.</summary>
        public readonly bool TakesPart => Reason != (int)InvalidRowReason.Label && Reason != (int)InvalidRowReason.TeacherRow;
    }

    /// <summary>The memory that the passes share.</summary>
    private sealed class Workspace : IDisposable
    {
        private readonly MemoryBuffer1D<RowOutcome, Stride1D.Dense> _outcomes;
        private readonly MemoryBuffer1D<float, Stride1D.Dense> _meanScale;

        public Workspace(KernelContext context, ref Arguments arguments)
        {
            _outcomes = context.Accelerator.Allocate1D<RowOutcome>(arguments.Rows);
            _meanScale = context.Accelerator.Allocate1D<float>(1);
            arguments.Outcomes = _outcomes.View;
            arguments.MeanScale = _meanScale.View;
        }

        public void Dispose()
        {
            _outcomes.Dispose();
            _meanScale.Dispose();
        }
    }
}

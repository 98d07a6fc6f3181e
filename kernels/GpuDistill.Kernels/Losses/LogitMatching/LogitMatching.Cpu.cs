using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// A row of each matrix stays in cache between its two reads. Rows are split over the workers; one worker sums the rows, so the
// order of every sum depends on the SIMD width alone.
public static partial class LogitMatching
{
    private static Launch BindCpu(KernelContext context, Arguments arguments, KernelVariant variant)
    {
        Workspace workspace = new(context, ref arguments);
        return variant switch
        {
            KernelVariant.Simd512 => new Cpu<Simd512>(arguments, workspace, variant, context.Workers),
            KernelVariant.Simd256 => new Cpu<Simd256>(arguments, workspace, variant, context.Workers),
            _ => new Cpu<Simd128>(arguments, workspace, variant, context.Workers),
        };
    }

    private sealed unsafe class Cpu<F>(Arguments a, Workspace workspace, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(LogitMatching), variant, workers)
        where F : struct, ISimd<F>
    {
        private readonly float* _student = CpuPointer.Of(a.Student);
        private readonly float* _teacher = CpuPointer.Of(a.Teacher);
        private readonly float* _gradient = CpuPointer.Of(a.Gradient);
        private readonly RowOutcome* _outcomes = CpuPointer.Of(a.Outcomes);
        private readonly bool _totals = a.WantsTotals || a.OverRowsTakingPart != 0;

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(a.Rows);
            bool gradientLater = _gradient != null && a.OverRowsTakingPart != 0;
            for (long row = start; row < end; row++)
                Row(row, losses: true, gradientLater ? null : _gradient, a.Scale);
            if (!_totals)
                return;
            team.Barrier(); // all outcomes are there
            if (team.Index == 0)
                Totals();
            if (!gradientLater)
                return;
            team.Barrier(); // the scale is there
            for (long row = start; row < end; row++)
                Row(row, losses: false, _gradient, a.MeanScale[0]);
        }

        private protected override void Dispose(bool disposing)
        {
            if (disposing)
                workspace.Dispose();
            base.Dispose(disposing);
        }

        private void Row(long row, bool losses, float* gradients, float scale)
        {
            int source = a.TeacherRow(row);
            int label = a.Label(row);
            bool ignored = label == a.IgnoreIndex;
            RowOutcome outcome = default;
            float count = 0;
            float mean = 0;
            float* student = _student + (row * a.Columns);
            float* teacher = _teacher + ((long)source * a.Columns);
            if (!ignored && (label < 0 || label >= a.Columns))
                outcome.Reason = (int)InvalidRowReason.Label;
            else if (source < 0 || source >= a.TeacherCount)
                outcome.Reason = (int)InvalidRowReason.TeacherRow;
            else if (!Mean(student, teacher, out mean, out count))
                outcome.Reason = (int)(HasSoftmax(student) && !HasSoftmax(teacher) ? InvalidRowReason.TeacherLogits : InvalidRowReason.StudentLogits);

            bool valid = outcome.Reason == 0;
            bool labelled = !ignored && label >= 0 && label < a.Columns;
            outcome.Labelled = labelled ? 1 : 0;
            if (losses && valid && labelled)
                outcome.Correct = IsLargest(student, label) ? 1 : 0;

            float* gradient = gradients == null ? null : gradients + (row * a.Columns);
            if (valid)
                outcome.Loss = Differences(student, teacher, gradient, mean, a.Weight * scale / count) / (2 * count);
            else if (gradient != null)
                new Span<float>(gradient, a.Columns).Clear();
            if (!losses)
                return;
            a.StoreLosses(row, outcome.Loss);
            _outcomes[row] = outcome;
        }

        // The mean of z - v, or 0 where logits are matched as they are, and the number of classes kept. False for an invalid row.
        [MethodImpl(SimdLoop.Alone)]
        private bool Mean(float* student, float* teacher, out float mean, out float count)
        {
            int n = a.Columns;
            F one = F.Splat(1);
            F zero = F.Splat(0);
            F nan = F.Splat(float.NaN);
            F highest = F.Splat(float.PositiveInfinity);
            F sums = zero;
            F counts = zero;
            for (int i = 0; i < n; i += F.Width)
            {
                F z = Load(student, i, n);
                F v = Load(teacher, i, n);
                F kept = Kept(z, v, one);
                sums += F.Select(F.Less(zero, kept), z - v, zero);
                // NaN and +infinity are not below infinity, and a count of NaN stays NaN.
                counts += F.Select(F.Less(z, highest), F.Select(F.Less(v, highest), kept, nan), nan);
            }

            float sum = F.Sum(sums);
            count = F.Sum(counts);
            mean = a.ZeroMean != 0 ? sum / count : 0;
            return count > 0 && float.IsFinite(sum);
        }

        // The sum of the squared differences; stores them, times the factor, as gradient unless that is null.
        [MethodImpl(SimdLoop.Alone)]
        private float Differences(float* student, float* teacher, float* gradient, float mean, float factor)
        {
            int n = a.Columns;
            F means = F.Splat(mean);
            F factors = F.Splat(factor);
            F zero = F.Splat(0);
            F squares = zero;
            for (int i = 0; i < n; i += F.Width)
            {
                F z = Load(student, i, n);
                F v = Load(teacher, i, n);
                F d = F.Select(F.Less(zero, Kept(z, v, F.Splat(1))), z - v - means, zero);
                squares = F.Fma(d, d, squares);
                if (gradient != null)
                    Store(d * factors, gradient, i, n);
            }

            return F.Sum(squares);
        }

        // The value where neither logit is -infinity, else 0.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static F Kept(F z, F v, F value)
        {
            F zero = F.Splat(0);
            F lowest = F.Splat(float.NegativeInfinity);
            return F.Select(F.AreEqual(z, lowest), zero, F.Select(F.AreEqual(v, lowest), zero, value));
        }

        // Of equal logits the first is the prediction.
        private static bool IsLargest(float* student, int label, int n) =>
            (label == 0 || SimdRow<F>.Max(student, label) < student[label])
            && SimdRow<F>.Max(student + label + 1, n - label - 1) <= student[label];

        private bool IsLargest(float* student, int label) => IsLargest(student, label, a.Columns);

        private bool HasSoftmax(float* row)
        {
            bool any = false;
            foreach (float x in new ReadOnlySpan<float>(row, a.Columns))
            {
                if (!(x < float.PositiveInfinity))
                    return false;
                any |= x > float.NegativeInfinity;
            }

            return any;
        }

        private void Totals()
        {
            double losses = 0;
            LossTotals batch = default;
            int takingPart = 0;
            int firstInvalid = a.Rows;
            for (int row = 0; row < a.Rows; row++)
            {
                RowOutcome outcome = _outcomes[row];
                losses += outcome.Loss;
                batch.Labelled += outcome.Labelled;
                batch.Correct += outcome.Correct;
                takingPart += outcome.TakesPart ? 1 : 0;
                if (outcome.Reason != 0)
                    firstInvalid = Math.Min(firstInvalid, row);
            }

            a.StoreTotals(batch, (float)losses, takingPart, firstInvalid);
        }

        // The only places where logits are read and gradients written: a storage type narrower than fp32 belongs here.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static F Load(float* row, int i, int n) =>
            i + F.Width <= n ? F.Load(row + i) : F.LoadPartial(row + i, n - i, float.NegativeInfinity);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store(F value, float* row, int i, int n)
        {
            if (i + F.Width <= n)
                F.Store(value, row + i);
            else
                F.StorePartial(value, row + i, n - i);
        }
    }
}

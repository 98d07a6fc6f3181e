using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// A row of each matrix stays in cache between its two reads. Rows are split over the workers; one worker sums the rows' records, as the
// distillation loss does, so the order of every sum depends on the SIMD width alone.
public static partial class LogitMatching
{
    private static Launch BindCpu(KernelContext context, Arguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(context, arguments, variant),
        KernelVariant.Simd256 => new Cpu<Simd256>(context, arguments, variant),
        _ => new Cpu<Simd128>(context, arguments, variant),
    };

    private sealed unsafe class Cpu<F>(KernelContext context, Arguments arguments, KernelVariant variant)
        : CpuLaunch(nameof(LogitMatching), variant, context.Workers)
        where F : struct, ISimd<F>
    {
        private readonly LossArguments<float> _loss = arguments.Loss;
        private readonly int _columns = arguments.Loss.Settings.Columns;
        private readonly bool _zeroMean = arguments.ZeroMean != 0;
        private readonly CpuLossBatch<float> _batch = new(context, arguments.Loss);
        private readonly float* _student = CpuPointer.Of(arguments.Loss.Student);
        private readonly float* _teacher = CpuPointer.Of(arguments.Loss.Teacher);
        private readonly float* _gradient = CpuPointer.Of(arguments.Loss.Gradient);

        internal override void Execute(CpuTeam team)
        {
            (float reduction, float hardReduction) = _batch.Reductions();
            (long start, long end) = team.Part(_loss.Rows);
            for (int row = (int)start; row < end; row++)
                _batch.Store(row, Row(row, _batch.TaskOf(row), reduction));
            if (!_batch.HasTotals)
                return;
            team.Barrier(); // all records are there
            if (team.Index == 0)
                _batch.AddTotals(reduction, hardReduction);
        }

        private protected override void Dispose(bool disposing)
        {
            if (disposing)
                _batch.Dispose();
            base.Dispose(disposing);
        }

        private RowRecord Row(int row, RowTask task, float reduction)
        {
            int reason = task.Reason;
            float loss = 0;
            float count = 0;
            float mean = 0;
            float* student = _student + ((long)row * _columns);
            float* teacher = _teacher + ((long)task.TeacherRow * _columns);
            if (reason == 0 && !Mean(student, teacher, out mean, out count))
                reason = (int)(HasSoftmax(student) && !HasSoftmax(teacher) ? InvalidRowReason.TeacherLogits : InvalidRowReason.StudentLogits);

            bool correct = reason == 0 && task.Class >= 0 && IsLargest(student, task.Class, _columns);
            float* gradient = _gradient == null ? null : _gradient + ((long)row * _columns);
            if (reason == 0)
                loss = Differences(student, teacher, gradient, mean, _loss.Settings.SoftWeight * reduction / count) / (2 * count);
            else if (gradient != null)
                new Span<float>(gradient, _columns).Clear();

            RowRecord record = new() { Soft = loss, KlDivergence = loss, State = RowRecord.StateOf(task.Class >= 0, correct, reason) };
            RowRecord.StoreLosses(_loss, row, record.Soft, record.Hard);
            return record;
        }

        // The mean of z - v, or 0 where logits are matched as they are, and the number of classes kept. False for an invalid row.
        [MethodImpl(SimdLoop.Alone)]
        private bool Mean(float* student, float* teacher, out float mean, out float count)
        {
            int n = _columns;
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
            mean = _zeroMean ? sum / count : 0;
            return count > 0 && float.IsFinite(sum);
        }

        // The sum of the squared differences; stores them, times the factor, as gradient unless that is null.
        [MethodImpl(SimdLoop.Alone)]
        private float Differences(float* student, float* teacher, float* gradient, float mean, float factor)
        {
            int n = _columns;
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

        private bool HasSoftmax(float* row)
        {
            bool any = false;
            foreach (float x in new ReadOnlySpan<float>(row, _columns))
            {
                if (!(x < float.PositiveInfinity))
                    return false;
                any |= x > float.NegativeInfinity;
            }

            return any;
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

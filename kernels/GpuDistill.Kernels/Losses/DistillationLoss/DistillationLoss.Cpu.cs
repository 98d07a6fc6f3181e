using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

// Logits come from memory once. A pass over the row keeps the exponentials in scratch rows of the worker, in its second-level
// cache, and sums them; a second makes the gradient of them without another exponential. At T = 1, 2, 4 and 8 the student's
// exponentials at T = 1 are powers of those at T. Rows are split over the workers, and the first worker then sums the rows'
// records in order.
public static partial class DistillationLoss
{
    private static Launch BindCpu<T, TStorage>(KernelContext context, Arguments<T> arguments, KernelVariant variant)
        where T : unmanaged
        where TStorage : unmanaged, ISimdStorage<T> =>
        variant switch
        {
            KernelVariant.Simd512 => new Cpu<Simd512, T, TStorage>(context, arguments, variant),
            KernelVariant.Simd256 => new Cpu<Simd256, T, TStorage>(context, arguments, variant),
            _ => new Cpu<Simd128, T, TStorage>(context, arguments, variant),
        };

    private sealed unsafe class Cpu<F, T, TStorage> : CpuLaunch
        where F : struct, ISimd<F>
        where T : unmanaged
        where TStorage : unmanaged, ISimdStorage<T>
    {
        private readonly Arguments<T> _arguments;
        private readonly LossSettings _settings;
        private readonly MemoryBuffer1D<RowRecord, Stride1D.Dense> _recordBuffer;
        private readonly MemoryBuffer1D<float, Stride1D.Dense> _scratchBuffer;
        private readonly CpuRow<F, T, TStorage>[] _rows;
        private readonly RowRecord* _records;
        private readonly float* _classWeights;
        private readonly int* _labels;
        private readonly int* _teacherRows;
        private readonly bool _totals;

        public Cpu(KernelContext context, Arguments<T> a, KernelVariant variant)
            : base(nameof(DistillationLoss), variant, context.Workers)
        {
            _recordBuffer = context.Accelerator.Allocate1D<RowRecord>(a.Rows);
            long stride = CpuRow<F, T, TStorage>.ScratchLength(a);
            _scratchBuffer = context.Accelerator.Allocate1D<float>(stride * context.Threads);
            a.Records = _recordBuffer.View;
            _arguments = a;
            _settings = a.Settings;
            _records = CpuPointer.Of(a.Records);
            _labels = CpuPointer.Of(a.Labels);
            _teacherRows = CpuPointer.Of(a.TeacherRows);
            _classWeights = CpuPointer.Of(a.ClassWeights);
            _totals = a.HasTotals + a.HasRunning > 0;
            _rows = new CpuRow<F, T, TStorage>[context.Threads];
            for (int i = 0; i < _rows.Length; i++)
                _rows[i] = new CpuRow<F, T, TStorage>(a, CpuPointer.Of(_scratchBuffer.View.SubView(i * stride, stride).AsContiguous()));
        }

        internal override void Execute(CpuTeam team)
        {
            float softReduction = _settings.SoftReduction;
            float hardReduction = _settings.HardReduction;
            if (_settings.Counts != 0)
                (softReduction, hardReduction) = Count();

            CpuRow<F, T, TStorage> rows = _rows[team.Index];
            (long start, long end) = team.Part(_arguments.Rows);
            for (int row = (int)start; row < end; row++)
                _records[row] = rows.Run(row, TaskOf(row), softReduction, hardReduction);
            CpuPointer.FenceStores();

            if (!_totals)
                return;
            team.Barrier();
            if (team.Index == 0)
                AddTotals(softReduction, hardReduction);
        }

        private protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _recordBuffer.Dispose();
                _scratchBuffer.Dispose();
            }

            base.Dispose(disposing);
        }

        private RowTask TaskOf(int row) => DistillationLoss.TaskOf(
            _settings,
            _labels != null ? _labels[row] : _settings.IgnoreIndex,
            _teacherRows != null ? _teacherRows[row] : row);

        // Every worker counts all labels for itself: cheaper than a barrier.
        private (float Soft, float Hard) Count()
        {
            int rows = 0;
            double weights = 0;
            for (int row = 0; row < _arguments.Rows; row++)
            {
                RowTask task = TaskOf(row);
                rows += task.Works;
                if (task.Works != 0 && task.Class >= 0)
                    weights += _classWeights != null ? _classWeights[task.Class] : 1;
            }

            return (rows > 0 ? 1f / rows : 0, weights > 0 ? (float)(1 / weights) : 0);
        }

        private void AddTotals(float softReduction, float hardReduction)
        {
            BatchSums sums = BatchSums.None(_arguments.Rows);
            double soft = 0;
            double divergence = 0;
            double hard = 0;
            for (int row = 0; row < _arguments.Rows; row++)
            {
                RowRecord record = _records[row];
                soft += record.Soft;
                divergence += record.KlDivergence;
                hard += record.Hard;
                sums.Labelled += record.State & 1;
                sums.Correct += (record.State >> 1) & 1;
                if (record.State >> 8 != 0 && sums.FirstInvalid > row)
                {
                    sums.FirstInvalid = row;
                    sums.Reason = record.State >> 8;
                }
            }

            sums.Soft = (float)soft;
            sums.KlDivergence = (float)divergence;
            sums.Hard = (float)hard;
            LossTotals totals = TotalsOf(_arguments, sums, softReduction, hardReduction);
            if (_arguments.HasTotals != 0)
                *CpuPointer.Of(_arguments.Totals) = totals;
            if (_arguments.HasRunning != 0)
                *CpuPointer.Of(_arguments.Running) = LossTotals.Add(*CpuPointer.Of(_arguments.Running), totals);
        }
    }
}

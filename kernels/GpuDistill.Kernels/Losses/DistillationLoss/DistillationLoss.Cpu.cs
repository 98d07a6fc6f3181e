using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

// Logits come from memory once. A pass over the row keeps the exponentials in scratch rows of the worker, in its second-level
// cache, and sums them; a second makes the gradient of them without another exponential. At T = 1, 2, 4 and 8 the student's
// exponentials at T = 1 are powers of those at T. Rows are split over the workers, and the first worker then sums the rows'
// records in order.
public static partial class DistillationLoss
{
    private static Launch BindCpu<T, TStorage>(KernelContext context, LossArguments<T> arguments, KernelVariant variant)
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
        private readonly int _rowCount;
        private readonly CpuLossBatch<T> _batch;
        private readonly MemoryBuffer1D<float, Stride1D.Dense> _scratchBuffer;
        private readonly CpuRow<F, T, TStorage>[] _rows;

        public Cpu(KernelContext context, LossArguments<T> a, KernelVariant variant)
            : base(nameof(DistillationLoss), variant, context.Workers)
        {
            _rowCount = a.Rows;
            _batch = new CpuLossBatch<T>(context, a);
            long stride = CpuRow<F, T, TStorage>.ScratchLength(a);
            try
            {
                _scratchBuffer = context.Accelerator.Allocate1D<float>(stride * context.Threads);
            }
            catch
            {
                _batch.Dispose();
                throw;
            }

            _rows = new CpuRow<F, T, TStorage>[context.Threads];
            for (int i = 0; i < _rows.Length; i++)
                _rows[i] = new CpuRow<F, T, TStorage>(a, CpuPointer.Of(_scratchBuffer.View.SubView(i * stride, stride).AsContiguous()));
        }

        internal override void Execute(CpuTeam team)
        {
            (float softReduction, float hardReduction) = _batch.Reductions();
            CpuRow<F, T, TStorage> rows = _rows[team.Index];
            (long start, long end) = team.Part(_rowCount);
            for (int row = (int)start; row < end; row++)
                _batch.Store(row, rows.Run(row, _batch.TaskOf(row), softReduction, hardReduction));
            CpuPointer.FenceStores();

            if (!_batch.HasTotals)
                return;
            team.Barrier();
            if (team.Index == 0)
                _batch.AddTotals(softReduction, hardReduction);
        }

        private protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _batch.Dispose();
                _scratchBuffer.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}

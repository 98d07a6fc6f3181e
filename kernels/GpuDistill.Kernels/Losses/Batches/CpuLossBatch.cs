using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// What stands before and after the rows on the CPU, whatever the loss: the tasks of rows, the counts that a mean divides by, and the
/// totals of the records that the rows leave.
/// </summary>
internal sealed unsafe class CpuLossBatch<T> : IDisposable
    where T : unmanaged
{
    private readonly LossArguments<T> _arguments;
    private readonly LossSettings _settings;
    private readonly MemoryBuffer1D<RowRecord, Stride1D.Dense> _recordBuffer;
    private readonly RowRecord* _records;
    private readonly float* _classWeights;
    private readonly int* _labels;
    private readonly int* _teacherRows;

    public CpuLossBatch(KernelContext context, LossArguments<T> a)
    {
        _arguments = a;
        _settings = a.Settings;
        _recordBuffer = context.Accelerator.Allocate1D<RowRecord>(a.Rows);
        _records = CpuPointer.Of(_recordBuffer.View.AsContiguous());
        _labels = CpuPointer.Of(a.Labels);
        _teacherRows = CpuPointer.Of(a.TeacherRows);
        _classWeights = CpuPointer.Of(a.ClassWeights);
    }

    public bool HasTotals => _arguments.HasTotals + _arguments.HasRunning > 0;

    public RowTask TaskOf(int row) => RowTask.Of(
        _settings,
        _labels != null ? _labels[row] : _settings.IgnoreIndex,
        _teacherRows != null ? _teacherRows[row] : row);

    /// <summary>What the losses are multiplied by. Every worker counts all labels for itself: cheaper than a barrier.</summary>
    public (float Soft, float Hard) Reductions()
    {
        if (_settings.Counts == 0)
            return (_settings.SoftReduction, _settings.HardReduction);
        int rows = 0;
        double weights = 0;
        for (int row = 0; row < _arguments.Rows; row++)
        {
            RowTask task = TaskOf(row);
            rows += task.Works;
            if (task.Works != 0 && task.Class >= 0)
            {
                float weight = _classWeights != null ? _classWeights[task.Class] : 1;
                weights += FloatBits.IsWeight(weight) ? weight : 0;
            }
        }

        return (rows > 0 ? 1f / rows : 0, weights > 0 ? (float)(1 / weights) : 0);
    }

    public void Store(int row, RowRecord record) => _records[row] = record;

    /// <summary>For one worker, when all records are there.</summary>
    public void AddTotals(float softReduction, float hardReduction)
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
        LossTotals totals = BatchSums.TotalsOf(_arguments, sums, softReduction, hardReduction);
        if (_arguments.HasTotals != 0)
            *CpuPointer.Of(_arguments.Totals) = totals;
        if (_arguments.HasRunning != 0)
            *CpuPointer.Of(_arguments.Running) = LossTotals.Add(*CpuPointer.Of(_arguments.Running), totals);
    }

    public void Dispose() => _recordBuffer.Dispose();
}

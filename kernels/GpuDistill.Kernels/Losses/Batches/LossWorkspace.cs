using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// What passes between the launches of a variant that is kernels, and stand-ins for buffers that were left out: no view of a
/// kernel is ever empty.
/// </summary>
internal sealed class LossWorkspace : IDisposable
{
    private readonly Accelerator _accelerator;
    private readonly BufferGroup _buffers;

    private LossWorkspace(Accelerator accelerator)
    {
        _accelerator = accelerator;
        _buffers = new BufferGroup(accelerator);
    }

    /// <summary>For kernels that leave a record of each row, which are summed in blocks.</summary>
    public static LossWorkspace ForRecords<T>(KernelContext context, ref LossArguments<T> a)
        where T : unmanaged =>
        new LossWorkspace(context.Accelerator).Complete(context, ref a, a.Rows, BatchLaunches.BlocksOf(context, a.Rows));

    /// <summary>For kernels of so many groups, each of which sums its rows itself.</summary>
    public static LossWorkspace ForGroups<T>(KernelContext context, ref LossArguments<T> a, int groups)
        where T : unmanaged =>
        new LossWorkspace(context.Accelerator).Complete(context, ref a, 0, groups);

    public ArrayView<T> Allocate<T>(long length)
        where T : unmanaged =>
        _buffers.Allocate<T>(Math.Max(1, length)).View;

    public void Dispose() => _buffers.Dispose();

    private LossWorkspace Complete<T>(KernelContext context, ref LossArguments<T> a, long records, int blocks)
        where T : unmanaged
    {
        a.Records = Allocate<RowRecord>(records);
        a.HasRecords = records > 0 ? 1 : 0;
        a.BlockSums = Allocate<BatchSums>(blocks);
        a.BlockCounts = Allocate<BatchCounts>(BatchLaunches.BlocksOf(context, a.Rows));
        a.Scales = Allocate<float>(2);
        a.Finished = Allocate<int>(1);
        a.Finished.MemSetToZero();
        _accelerator.DefaultStream.Synchronize(); // a launch may run on any stream
        ArrayView<int> integers = Allocate<int>(1);
        ArrayView<LossTotals> totals = Allocate<LossTotals>(1);
        a.TeacherRows = OrElse(a.TeacherRows, integers);
        a.Labels = OrElse(a.Labels, integers);
        a.ClassWeights = OrElse(a.ClassWeights, a.Scales);
        a.SoftLosses = OrElse(a.SoftLosses, a.Scales);
        a.HardLosses = OrElse(a.HardLosses, a.Scales);
        a.TotalLosses = OrElse(a.TotalLosses, a.Scales);
        a.Totals = OrElse(a.Totals, totals);
        a.Running = OrElse(a.Running, totals);
        // Where no teacher is asked for, a student is read as its own, which makes its exponentials what any row's are.
        a.Teacher = a.Settings.Soft != 0 ? a.Teacher : a.Student;
        a.Gradient = OrElse(a.Gradient, a.Student);
        return this;
    }

    private static ArrayView<T> OrElse<T>(ArrayView<T> view, ArrayView<T> standIn)
        where T : unmanaged =>
        view.Length > 0 ? view : standIn;
}

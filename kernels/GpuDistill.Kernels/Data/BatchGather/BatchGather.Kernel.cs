using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      order, conversion, jitter, dropout, rows and labels in one pass: a pixel is read once as a byte and written
//             once as a number; permutation, shifts and mask are drawn where they are used and never stored.
// Math:       images[i, y, x] = keep[i, y, x] * pixels[row_i, y - dy_i, x - dx_i] / (255 (1 - p))
// Shapes:     Pixels [M x H x W] bytes, Images [B x (H * W)], SourceLabels [M], Subset [L], Rows, Labels [B], Clock [1].
// Geometry:   1-D groups, one image per group, groups stride over the batch. A thread takes the four columns that share
//             one counter of the generator (Philox), 16 columns apart; neighbouring threads take neighbouring columns.
// Numerics:   one fp32 product per pixel, rounded once more to bf16; everything random is decided in integers: the same bits
//             on every device.
// Edges:      no row (beyond a single pass, before step 0): row -1, label -100, zeros. Columns beyond the last are
//             drawn and not written. No barrier.
// Reference:  BatchGather.Reference.cs
public static partial class BatchGather
{
    private const int PreferredGroupSize = 256;
    private const int ColumnsPerThread = 4;
    private const int CountersPerBlock = 16;

    private static Launch BindPortable<T, TStorage>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        int groups = context.GroupsFor(arguments.Order.BatchSize, 1);
        return context.BindKernel(nameof(BatchGather), Kernel<T, TStorage>, groups, groupSize, arguments);
    }

    [KernelEntry(Instances = nameof(Instances))]
    internal static void Kernel<T, TStorage>(Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        long step = a.Clock[0].Step;
        int columns = a.Height * a.Width;
        int counters = (columns + (CountersPerBlock * ColumnsPerThread) - 1) / (CountersPerBlock * ColumnsPerThread) * CountersPerBlock;
        for (int position = Grid.IdxX; position < a.Order.BatchSize; position += Grid.DimX)
        {
            int row = RowAt(a, step, position);
            Shift shift = Shift.Draw(a.Order.Seed, step, position, a.Jitter);
            for (int counter = Group.IdxX; counter < counters; counter += Group.DimX)
                Columns<T, TStorage>(a, step, position, row, shift, counter);
            if (Group.IdxX != 0)
                continue;
            a.Rows[position] = row;
            if (a.Labels.Length > 0)
                a.Labels[position] = row >= 0 && a.SourceLabels.Length > 0 ? a.SourceLabels[row] : NoLabel;
        }
    }

    // Every thread of the group works out the row for itself: a few dozen integer operations, less than a barrier and a
    // broadcast through shared memory.
    private static int RowAt<T>(in Arguments<T> a, long step, int position)
        where T : unmanaged
    {
        long epoch = a.Order.Epoch(step, position);
        if (epoch < 0)
            return -1;
        int index = a.Order.IndexAt(step, position, epoch, a.Order.Permutation(epoch));
        return a.Subset.Length > 0 ? a.Subset[index] : index;
    }

    private static void Columns<T, TStorage>(in Arguments<T> a, long step, int position, int row, Shift shift, int counter)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        Philox.Words words = default;
        if (a.KeepFrom > 0)
        {
            words = Philox.Draw(
                (uint)counter, (uint)position, (uint)step, RandomStreams.InputDropout, (uint)a.Order.Seed, (uint)(a.Order.Seed >> 32));
        }

        int column = (counter / CountersPerBlock * CountersPerBlock * ColumnsPerThread) + (counter % CountersPerBlock);
        Column<T, TStorage>(a, position, row, shift, column, words.W0);
        Column<T, TStorage>(a, position, row, shift, column + CountersPerBlock, words.W1);
        Column<T, TStorage>(a, position, row, shift, column + (2 * CountersPerBlock), words.W2);
        Column<T, TStorage>(a, position, row, shift, column + (3 * CountersPerBlock), words.W3);
    }

    private static void Column<T, TStorage>(in Arguments<T> a, int position, int row, Shift shift, int column, uint word)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        int columns = a.Height * a.Width;
        if (column >= columns)
            return;
        int y = (column / a.Width) - shift.Y;
        int x = (column % a.Width) - shift.X;
        float value = 0;
        if (row >= 0 && word >= a.KeepFrom && x >= 0 && x < a.Width && y >= 0 && y < a.Height)
            value = a.Pixels[((long)row * columns) + ((long)y * a.Width) + x] * a.Scale;
        default(TStorage).Store(a.Images, ((long)position * columns) + column, value);
    }

    private static IEnumerable<Type[]> Instances() =>
        [[typeof(float), typeof(FloatStorage)], [typeof(ushort), typeof(BFloat16Storage)]];

    /// <summary>How far an image is shifted, in pixels: to the right and down.</summary>
    internal struct Shift
    {
        public int X;
        public int Y;

        /// <summary>Both uniform in [-jitter, jitter], from the upper bits of two words.</summary>
        public static Shift Draw(ulong seed, long step, int position, int jitter)
        {
            if (jitter == 0)
                return default;
            Philox.Words words = Philox.Draw(
                0, (uint)position, (uint)step, RandomStreams.Jitter, (uint)seed, (uint)(seed >> 32));
            ulong range = (2 * (ulong)jitter) + 1;
            return new Shift { X = (int)((words.W0 * range) >> 32) - jitter, Y = (int)((words.W1 * range) >> 32) - jitter };
        }
    }
}

using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// What of a slab is not one run of chunks (SlabChunks): gathered rows of the teacher, the last slab, and views that are not aligned.
public static partial class DistillationLoss
{
    // The last slab, where it is not whole, and any that does not begin at a multiple of 16 bytes.
    private static void LoadElements<T>(SlabArguments<T> s, SlabChunks chunks, ArrayView<T> students, ArrayView<T> teachers, int firstRow)
        where T : unmanaged
    {
        long start = (long)firstRow * s.Loss.Settings.Columns;
        int count = ElementsFrom(s, firstRow);
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            students[i] = s.Loss.Student[start + i];
            if (chunks.Both)
                teachers[i] = s.Loss.Teacher[start + i];
        }
    }

    private static void GatherRow<T, TElements, TShape>(SlabArguments<T> s, ArrayView<T> teachers, RowTeam team, int teacherRow)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
        where TShape : unmanaged, ISlabShape
    {
        TElements elements = default;
        int columns = s.Loss.Settings.Columns;
        long start = (long)teacherRow * columns;
        int place = team.Slot * columns;
        if (default(TShape).IsEven && s.ChunksPerSlab != 0)
        {
            for (int i = team.Lane; i < columns / 2; i += team.Size)
                elements.CopyPair(s.Loss.Teacher, (start >> 1) + i, teachers, (place >> 1) + i);
            return;
        }

        for (int i = team.Lane; i < columns; i += team.Size)
            teachers[place + i] = s.Loss.Teacher[start + i];
    }

    private static void StoreElements<T>(SlabArguments<T> s, ArrayView<T> gradients, int firstRow)
        where T : unmanaged
    {
        long start = (long)firstRow * s.Loss.Settings.Columns;
        int count = ElementsFrom(s, firstRow);
        for (int i = Group.IdxX; i < count; i += Group.DimX)
            s.Loss.Gradient[start + i] = gradients[i];
    }

    private static int ElementsFrom<T>(SlabArguments<T> s, int firstRow)
        where T : unmanaged =>
        XMath.Min(s.Loss.Rows - firstRow, s.RowsPerSlab) * s.Loss.Settings.Columns;
}

using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>
/// A thread's part of a slab's row, ten neighbouring elements: first logits, then their exponentials, which the gradient is made of
/// without computing them again. Elements that a row does not have are -infinity, and their exponentials 0. A device struct.
/// </summary>
internal struct SlabRow
{
    /// <summary>Elements per thread: an even number, with room for many groups in a multiprocessor's registers.</summary>
    public const int Length = CudaPlan.SlabColumnsPerThread;

    /// <summary>Threads of a group: few, so that some groups load or store while others compute.</summary>
    public const int GroupSize = 128;

    /// <summary>Elements of the largest slab of either network.</summary>
    public const int MostPerSlab = GroupSize * Length;

    private SlabCell _a, _b, _c, _d, _e;

    /// <summary>The thread's elements, the first at <see cref="StartOf"/>.</summary>
    public static SlabRow Load<T, TElements, TShape>(ArrayView<T> student, ArrayView<T> teacher, long start, int left, int soft)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
        where TShape : unmanaged, ISlabShape
    {
        SlabRow row = default;
        row._a.Student = Load<T, TElements, TShape>(student, start, 0, left);
        row._b.Student = Load<T, TElements, TShape>(student, start, 2, left);
        row._c.Student = Load<T, TElements, TShape>(student, start, 4, left);
        row._d.Student = Load<T, TElements, TShape>(student, start, 6, left);
        row._e.Student = Load<T, TElements, TShape>(student, start, 8, left);
        if (soft != 0)
        {
            row._a.Teacher = Load<T, TElements, TShape>(teacher, start, 0, left);
            row._b.Teacher = Load<T, TElements, TShape>(teacher, start, 2, left);
            row._c.Teacher = Load<T, TElements, TShape>(teacher, start, 4, left);
            row._d.Teacher = Load<T, TElements, TShape>(teacher, start, 6, left);
            row._e.Teacher = Load<T, TElements, TShape>(teacher, start, 8, left);
        }

        return row;
    }

    /// <summary>Where a thread's first element is: in pairs where rows are even, else in elements.</summary>
    public static long StartOf<TShape>(RowTeam team, int columns)
        where TShape : unmanaged, ISlabShape
    {
        TShape shape = default;
        if (shape.IsOrdinary)
            return (long)(uint)Group.IdxX * (Length / 2);
        return shape.IsEven
            ? (team.Slot * (columns >> 1)) + (team.Lane * (Length / 2))
            : (team.Slot * columns) + (team.Lane * Length);
    }

    /// <summary>
    /// The row's maxima; its minima are left at infinity. Before the label, counted from the thread's first element, are all pairs that
    /// end there.
    /// </summary>
    public static RowRange Maxima(SlabRow row, int label)
    {
        RowRange range = RowRange.Empty;
        range = Raise(range, Max(row._a.Student), label > 1);
        range = Raise(range, Max(row._b.Student), label > 3);
        range = Raise(range, Max(row._c.Student), label > 5);
        range = Raise(range, Max(row._d.Student), label > 7);
        range = Raise(range, Max(row._e.Student), label > 9);
        range.TeacherMaximum = XMath.Max(
            XMath.Max(XMath.Max(Max(row._a.Teacher), Max(row._b.Teacher)), XMath.Max(Max(row._c.Teacher), Max(row._d.Teacher))),
            XMath.Max(Max(row._e.Teacher), range.TeacherMaximum));
        return range;
    }

    /// <summary>The range with the row's minima; <paramref name="left"/> elements are the thread's.</summary>
    public static RowRange Minima(SlabRow row, RowRange range, int left)
    {
        range = Minima(row._a, range, left);
        range = Minima(row._b, range, left - 2);
        range = Minima(row._c, range, left - 4);
        range = Minima(row._d, range, left - 6);
        return Minima(row._e, range, left - 8);
    }

    /// <summary>The exponentials and their sums, from the last element to the first.</summary>
    public static SlabTerms Exponentials(SlabRow row, RowScales scales)
    {
        SlabTerms terms = default;
        terms = SlabTerms.Add(terms, row._e, scales);
        terms.Row._e = terms.Cell;
        terms = SlabTerms.Add(terms, row._d, scales);
        terms.Row._d = terms.Cell;
        terms = SlabTerms.Add(terms, row._c, scales);
        terms.Row._c = terms.Cell;
        terms = SlabTerms.Add(terms, row._b, scales);
        terms.Row._b = terms.Cell;
        terms = SlabTerms.Add(terms, row._a, scales);
        terms.Row._a = terms.Cell;
        return terms;
    }

    /// <summary>Writes the gradient of a row of exponentials; the label is counted from the thread's first element.</summary>
    public static void StoreGradient<T, TElements, TShape>(SlabRow row, ArrayView<T> target, long start, int left, RowLoss loss, int label)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
        where TShape : unmanaged, ISlabShape
    {
        Store<T, TElements, TShape>(target, start, 0, left, SlabCell.Gradient(row._a, loss, label, 0));
        Store<T, TElements, TShape>(target, start, 2, left, SlabCell.Gradient(row._b, loss, label, 2));
        Store<T, TElements, TShape>(target, start, 4, left, SlabCell.Gradient(row._c, loss, label, 4));
        Store<T, TElements, TShape>(target, start, 6, left, SlabCell.Gradient(row._d, loss, label, 6));
        Store<T, TElements, TShape>(target, start, 8, left, SlabCell.Gradient(row._e, loss, label, 8));
    }

    private static RowRange Raise(RowRange range, float student, bool isBeforeLabel)
    {
        range.StudentMaximum = XMath.Max(range.StudentMaximum, student);
        if (isBeforeLabel)
            range.BeforeLabel = XMath.Max(range.BeforeLabel, student);
        return range;
    }

    private static float Max(Pair pair) => XMath.Max(pair.X, pair.Y);

    private static RowRange Minima(SlabCell cell, RowRange range, int left)
    {
        if (left > 0)
        {
            range.StudentMinimum = XMath.Min(range.StudentMinimum, cell.Student.X);
            range.TeacherMinimum = XMath.Min(range.TeacherMinimum, cell.Teacher.X);
        }

        if (left > 1)
        {
            range.StudentMinimum = XMath.Min(range.StudentMinimum, cell.Student.Y);
            range.TeacherMinimum = XMath.Min(range.TeacherMinimum, cell.Teacher.Y);
        }

        return range;
    }

    // What lies behind a row in shared memory is another's, or nobody's: read, and not taken.
    private static Pair Load<T, TElements, TShape>(ArrayView<T> view, long start, int index, int left)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
        where TShape : unmanaged, ISlabShape
    {
        TElements elements = default;
        TShape shape = default;
        Pair pair = shape.IsEven
            ? elements.LoadPair(view, start, index >> 1)
            : new Pair { X = elements.Load(view, start + index), Y = elements.Load(view, start + index + 1) };
        if (!shape.IsOrdinary && index >= left)
            pair.X = float.NegativeInfinity;
        if (!shape.IsOrdinary && (shape.IsEven ? index : index + 1) >= left)
            pair.Y = float.NegativeInfinity;
        return pair;
    }

    private static void Store<T, TElements, TShape>(ArrayView<T> view, long start, int index, int left, Pair value)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
        where TShape : unmanaged, ISlabShape
    {
        TElements elements = default;
        TShape shape = default;
        if (!shape.IsOrdinary && index >= left)
            return;
        if (shape.IsEven)
        {
            elements.StorePair(view, start, index >> 1, value);
            return;
        }

        elements.Store(view, start + index, value.X);
        if (index + 1 < left)
            elements.Store(view, start + index + 1, value.Y);
    }
}

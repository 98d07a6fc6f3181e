using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>The reductions of the distillation loss: a row's range, and its sums.</summary>
internal static class LossReduction
{
    public static RowRange Union<TReduction>(this TReduction reduction, RowRange range, RowTeam team)
        where TReduction : unmanaged, IRowReduction =>
        reduction.Join<RowRange, RangeUnion>(range, team);

    public static RowSums Add<TReduction>(this TReduction reduction, RowSums sums, RowTeam team)
        where TReduction : unmanaged, IRowReduction =>
        reduction.Join<RowSums, SumsAddition>(sums, team);

    private readonly struct RangeUnion : IRowJoin<RowRange>
    {
        public RowRange Of(RowRange a, RowRange b) => RowRange.Union(a, b);

        public RowRange FromLane(RowRange range, int bit) => new()
        {
            StudentMaximum = Warp.ShuffleXor(range.StudentMaximum, bit),
            StudentMinimum = Warp.ShuffleXor(range.StudentMinimum, bit),
            TeacherMaximum = Warp.ShuffleXor(range.TeacherMaximum, bit),
            TeacherMinimum = Warp.ShuffleXor(range.TeacherMinimum, bit),
        };
    }

    private readonly struct SumsAddition : IRowJoin<RowSums>
    {
        public RowSums Of(RowSums a, RowSums b) => RowSums.Add(a, b);

        public RowSums FromLane(RowSums sums, int bit) => new()
        {
            Student = Warp.ShuffleXor(sums.Student, bit),
            Teacher = Warp.ShuffleXor(sums.Teacher, bit),
            Hard = Warp.ShuffleXor(sums.Hard, bit),
            Cross = Warp.ShuffleXor(sums.Cross, bit),
            Difference = Warp.ShuffleXor(sums.Difference, bit),
            Uniform = Warp.ShuffleXor(sums.Uniform, bit),
            UniformWeight = Warp.ShuffleXor(sums.UniformWeight, bit),
            FirstFromEnd = Warp.ShuffleXor(sums.FirstFromEnd, bit),
        };
    }
}

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
            StudentMaximum = SubGroup.Exchange(range.StudentMaximum, bit),
            StudentMinimum = SubGroup.Exchange(range.StudentMinimum, bit),
            TeacherMaximum = SubGroup.Exchange(range.TeacherMaximum, bit),
            TeacherMinimum = SubGroup.Exchange(range.TeacherMinimum, bit),
        };
    }

    private readonly struct SumsAddition : IRowJoin<RowSums>
    {
        public RowSums Of(RowSums a, RowSums b) => RowSums.Add(a, b);

        public RowSums FromLane(RowSums sums, int bit) => new()
        {
            Student = SubGroup.Exchange(sums.Student, bit),
            Teacher = SubGroup.Exchange(sums.Teacher, bit),
            Hard = SubGroup.Exchange(sums.Hard, bit),
            Cross = SubGroup.Exchange(sums.Cross, bit),
            Difference = SubGroup.Exchange(sums.Difference, bit),
            Uniform = SubGroup.Exchange(sums.Uniform, bit),
            UniformWeight = SubGroup.Exchange(sums.UniformWeight, bit),
            FirstFromEnd = SubGroup.Exchange(sums.FirstFromEnd, bit),
        };
    }
}

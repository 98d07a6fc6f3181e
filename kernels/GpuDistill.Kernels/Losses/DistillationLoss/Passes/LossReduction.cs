using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>
/// The reductions of the distillation loss: a row's range, and its sums. What few launches need is exchanged in those alone.
/// </summary>
internal static class LossReduction
{
    /// <summary>A row's range; its minima where flat rows are sought.</summary>
    public static RowRange Union<TReduction>(this TReduction reduction, RowRange range, RowTeam team, int seeksFlatRows)
        where TReduction : unmanaged, IRowReduction
    {
        Maxima maxima = new() { Student = range.StudentMaximum, Teacher = range.TeacherMaximum, BeforeLabel = range.BeforeLabel };
        maxima = reduction.Join<Maxima, MaximaJoin>(maxima, team);
        range.StudentMaximum = maxima.Student;
        range.TeacherMaximum = maxima.Teacher;
        range.BeforeLabel = maxima.BeforeLabel;
        if (seeksFlatRows != 0)
        {
            Minima minima = new() { Student = range.StudentMinimum, Teacher = range.TeacherMinimum };
            minima = reduction.Join<Minima, MinimaJoin>(minima, team);
            range.StudentMinimum = minima.Student;
            range.TeacherMinimum = minima.Teacher;
        }

        return range;
    }

    /// <summary>A row's sums; those of label smoothing where there is some.</summary>
    public static RowSums Add<TReduction>(this TReduction reduction, RowSums sums, RowTeam team, float smoothing)
        where TReduction : unmanaged, IRowReduction
    {
        Terms terms = new()
        {
            Student = sums.Student,
            Teacher = sums.Teacher,
            Hard = sums.Hard,
            Cross = sums.Cross,
            Difference = sums.Difference,
        };
        terms = reduction.Join<Terms, TermsJoin>(terms, team);
        sums.Student = terms.Student;
        sums.Teacher = terms.Teacher;
        sums.Hard = terms.Hard;
        sums.Cross = terms.Cross;
        sums.Difference = terms.Difference;
        if (smoothing > 0)
        {
            UniformTerms uniform = new() { Sum = sums.Uniform, Weight = sums.UniformWeight };
            uniform = reduction.Join<UniformTerms, UniformJoin>(uniform, team);
            sums.Uniform = uniform.Sum;
            sums.UniformWeight = uniform.Weight;
        }

        return sums;
    }

    private struct Maxima
    {
        public float Student, Teacher, BeforeLabel;
    }

    private struct Minima
    {
        public float Student, Teacher;
    }

    private struct Terms
    {
        public float Student, Teacher, Hard, Cross, Difference;
    }

    private struct UniformTerms
    {
        public float Sum, Weight;
    }

    private readonly struct MaximaJoin : IRowJoin<Maxima>
    {
        public Maxima Of(Maxima a, Maxima b) => new()
        {
            Student = XMath.Max(a.Student, b.Student),
            Teacher = XMath.Max(a.Teacher, b.Teacher),
            BeforeLabel = XMath.Max(a.BeforeLabel, b.BeforeLabel),
        };

        public Maxima FromLane(Maxima maxima, int bit) => new()
        {
            Student = SubGroup.Exchange(maxima.Student, bit),
            Teacher = SubGroup.Exchange(maxima.Teacher, bit),
            BeforeLabel = SubGroup.Exchange(maxima.BeforeLabel, bit),
        };
    }

    private readonly struct MinimaJoin : IRowJoin<Minima>
    {
        public Minima Of(Minima a, Minima b) => new()
        {
            Student = XMath.Min(a.Student, b.Student),
            Teacher = XMath.Min(a.Teacher, b.Teacher),
        };

        public Minima FromLane(Minima minima, int bit) => new()
        {
            Student = SubGroup.Exchange(minima.Student, bit),
            Teacher = SubGroup.Exchange(minima.Teacher, bit),
        };
    }

    private readonly struct TermsJoin : IRowJoin<Terms>
    {
        public Terms Of(Terms a, Terms b) => new()
        {
            Student = a.Student + b.Student,
            Teacher = a.Teacher + b.Teacher,
            Hard = a.Hard + b.Hard,
            Cross = a.Cross + b.Cross,
            Difference = a.Difference + b.Difference,
        };

        public Terms FromLane(Terms terms, int bit) => new()
        {
            Student = SubGroup.Exchange(terms.Student, bit),
            Teacher = SubGroup.Exchange(terms.Teacher, bit),
            Hard = SubGroup.Exchange(terms.Hard, bit),
            Cross = SubGroup.Exchange(terms.Cross, bit),
            Difference = SubGroup.Exchange(terms.Difference, bit),
        };
    }

    private readonly struct UniformJoin : IRowJoin<UniformTerms>
    {
        public UniformTerms Of(UniformTerms a, UniformTerms b) => new() { Sum = a.Sum + b.Sum, Weight = a.Weight + b.Weight };

        public UniformTerms FromLane(UniformTerms terms, int bit) => new()
        {
            Sum = SubGroup.Exchange(terms.Sum, bit),
            Weight = SubGroup.Exchange(terms.Weight, bit),
        };
    }
}

namespace GpuDistill.Kernels;

/// <summary>How several teachers' predictions become one (section 1 of the paper: arithmetic or geometric mean).</summary>
public enum TeacherMeanKind
{
    /// <summary>
    /// The normalised geometric mean of their probabilities, which is the mean of their logits: right at any temperature.
    /// </summary>
    Geometric,

    /// <summary>The arithmetic mean of their probabilities at one temperature; right at that temperature only.</summary>
    Arithmetic,
}

/// <summary>The settings of <see cref="TeacherMean"/>.</summary>
public sealed record TeacherMeanOptions
{
    /// <summary>The kind of mean.</summary>
    public TeacherMeanKind Kind { get; init; } = TeacherMeanKind.Geometric;

    /// <summary>The number of teachers, at least 1.</summary>
    public int Teachers { get; init; } = 1;

    /// <summary>The temperature at which the arithmetic mean is taken, finite and above 0.</summary>
    public float Temperature { get; init; } = 1;
}

using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>What a distillation loss reads.</summary>
/// <remarks>
/// The <c>View</c> of a buffer that was disposed is empty, and so is taken for one that was left out; a view that was taken before is refused.
/// </remarks>
/// <typeparam name="T">The type of the logits in memory.</typeparam>
public readonly record struct DistillationInputs<T>
    where T : unmanaged
{
    /// <summary>Student logits z, [N x C], C at least 2.</summary>
    public required Matrix<T> Student { get; init; }

    /// <summary>Teacher logits v, [M x C]; may be left out when nothing soft is asked for.</summary>
    public Matrix<T> Teacher { get; init; }

    /// <summary>[N]: the row of <see cref="Teacher"/> for each row of <see cref="Student"/>; empty when M = N and rows correspond.</summary>
    public ArrayView<int> TeacherRows { get; init; }

    /// <summary>[N]: correct classes, or the ignore index for unlabelled rows; empty when no row is labelled, and then not with a hard weight.</summary>
    public ArrayView<int> Labels { get; init; }

    /// <summary>
    /// [C]: weights of the classes in the hard objective, finite and at least 0; empty for 1 each. The device alone sees them: a row is
    /// left out (<see cref="InvalidRowReason.ClassWeight"/>) whose label has another weight or, with label smoothing, where any class has.
    /// </summary>
    public ArrayView<float> ClassWeights { get; init; }
}

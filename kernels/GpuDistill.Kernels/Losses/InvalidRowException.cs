namespace GpuDistill.Kernels;

/// <summary>A row that has no loss: its label, its logits or its class weights are no valid input. It was left out, with gradient 0.</summary>
public sealed class InvalidRowException : Exception
{
    /// <param name="row">The row of the transfer set where rows are gathered, else of the batch.</param>
    /// <param name="reason">What is wrong with it.</param>
    /// <param name="of">What it is a row of, for the message; null says both that it may be.</param>
    public InvalidRowException(int row, InvalidRowReason reason, string? of = null)
        : base($"Row {row} of {of ?? Place(reason)}: {Describe(reason)}.")
    {
        Row = row;
        Reason = reason;
    }

    /// <summary>An exception about a label, where it is at hand.</summary>
    /// <param name="row">The row of the transfer set where rows are gathered, else of the batch.</param>
    /// <param name="label">Its label.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="of">What it is a row of, for the message; null says both that it may be.</param>
    public InvalidRowException(int row, int label, int classes, string? of)
        : base($"Row {row} of {of ?? Place(InvalidRowReason.Label)}: the label {label} is out of range; with {classes} classes it must be 0 to {classes - 1}.")
    {
        Row = row;
        Reason = InvalidRowReason.Label;
        Label = label;
    }

    /// <summary>The row.</summary>
    public int Row { get; }

    /// <summary>What is wrong with it.</summary>
    public InvalidRowReason Reason { get; }

    /// <summary>The label, where it is what is wrong and whoever threw had it at hand; the device reports the row alone.</summary>
    public int? Label { get; }

    // The number of a row that does not exist in the transfer set can only be the batch's.
    private static string Place(InvalidRowReason reason) =>
        reason == InvalidRowReason.TeacherRow ? "the batch" : "the batch (of the transfer set, where its rows are gathered)";

    private static string Describe(InvalidRowReason reason) => reason switch
    {
        InvalidRowReason.Label => "the label is out of range",
        InvalidRowReason.StudentLogits => "the student's logits have no softmax (NaN, +infinity or nothing but -infinity)",
        InvalidRowReason.TeacherLogits => "the teacher's logits have no softmax (NaN, +infinity or nothing but -infinity)",
        InvalidRowReason.TeacherRow => "there is no such row of teacher logits",
        InvalidRowReason.InfiniteHardLoss => "the hard loss is infinite (the student gives no probability to the label, or to a class that label smoothing puts weight on)",
        InvalidRowReason.InfiniteSoftLoss => "the soft loss is infinite (the student gives no probability to a class that the soft targets put weight on)",
        InvalidRowReason.ClassWeight => "a class weight of its hard loss is negative, infinite or NaN (the label's, or with label smoothing any); give weights that are finite and at least 0",
        _ => "the row is invalid",
    };
}

/// <summary>Why a row has no loss.</summary>
public enum InvalidRowReason
{
    /// <summary>It has one.</summary>
    None,

    /// <summary>The label is neither a class nor the ignore index.</summary>
    Label,

    /// <summary>The student's logits hold NaN, +infinity or nothing but -infinity.</summary>
    StudentLogits,

    /// <summary>The teacher's logits hold NaN, +infinity or nothing but -infinity.</summary>
    TeacherLogits,

    /// <summary>The row index points outside the teacher's logits.</summary>
    TeacherRow,

    /// <summary>The hard target puts weight on a class whose student logit is -infinity: the label, or any with label smoothing.</summary>
    InfiniteHardLoss,

    /// <summary>The soft targets put weight on a class whose student logit is -infinity. Reported first where both losses are infinite.</summary>
    InfiniteSoftLoss,

    /// <summary>
    /// A class weight that the hard target is made of is negative, infinite or NaN: the label's, or any with label smoothing. Reported
    /// before an infinite loss, and after what is wrong with the logits.
    /// </summary>
    ClassWeight,
}

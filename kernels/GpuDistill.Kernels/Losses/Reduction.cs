namespace GpuDistill.Kernels;

/// <summary>
/// How the losses of a batch's rows become one number, and so how gradients are scaled. There is no mean over all elements:
/// it would divide distillation by the number of classes.
/// </summary>
public enum Reduction
{
    /// <summary>Losses stay per row. Totals are sums, gradients are those of the rows' own losses.</summary>
    None,

    /// <summary>The sum over rows.</summary>
    Sum,

    /// <summary>
    /// The soft objective divided by the number of rows that take part, the hard one by the class weights of the labelled
    /// rows: each objective's own mean, as PyTorch's cross_entropy defines it. 0 where no row takes part.
    /// </summary>
    Mean,

    /// <summary>Both objectives divided by the number of rows in the batch, labelled or not.</summary>
    BatchMean,
}

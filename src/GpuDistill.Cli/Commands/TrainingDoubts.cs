namespace GpuDistill.Cli;

/// <summary>Whether a training that ended with finite numbers has learnt anything.</summary>
internal static class TrainingDoubts
{
    /// <summary>A sentence for whoever would take the result for a good one; null where there is no reason to.</summary>
    /// <param name="firstLoss">The loss at the beginning; NaN where it is not known.</param>
    /// <param name="lastLoss">The mean loss of the last epoch.</param>
    /// <param name="evaluation">Errors afterwards.</param>
    public static string? Of(double firstLoss, double lastLoss, Evaluation evaluation)
    {
        if (lastLoss > firstLoss)
        {
            return $"the training loss ended at {Units.Loss(lastLoss)}, above the {Units.Loss(firstLoss)} that it began with: "
                + "the training diverged; try a lower --rate or a longer --warmup.";
        }

        double even = Math.Log(evaluation.CountByClass.Count);
        if (evaluation.CrossEntropy > even)
        {
            return $"the cross entropy {Units.Loss(evaluation.CrossEntropy)} is above the {Units.Loss(even)} of even probabilities: "
                + "the training diverged or was too short; try a lower --rate or more --epochs.";
        }

        int guessed = evaluation.Count - evaluation.CountByClass.Max();
        return guessed > 0 && evaluation.Errors >= guessed // where all images are of one class, guessing it is right
            ? $"always guessing one class makes {Units.Counted(guessed, "error")} too: the network has learnt nothing; try another --rate or more --epochs."
            : null;
    }
}

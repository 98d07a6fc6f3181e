namespace GpuDistill.Experiments;

/// <summary>Which of the training images a network is trained on.</summary>
/// <param name="Name">For settings and reports.</param>
/// <param name="Rows">Their row numbers; null for all.</param>
internal sealed record TransferSet(string Name, Func<ImageDataset, IReadOnlyList<int>>? Rows = null)
{
    public static readonly TransferSet All = new("all training images");

    /// <summary>All but one class.</summary>
    public static TransferSet Without(int digit) => new($"without any {digit}", images => images.Where(label => label != digit));

    /// <summary>Some classes only.</summary>
    public static TransferSet Only(params int[] digits) =>
        new($"only {string.Join(" and ", digits)}", images => images.Where(label => digits.Contains(label)));

    /// <summary>The first <paramref name="share"/> of those that are not held out for validation.</summary>
    public static TransferSet First(double share) => new(
        FormattableString.Invariant($"{100 * share:0.##} % of the images not held out"),
        images => [.. Enumerable.Range(0, Math.Max(1, (int)Math.Round(share * HeldOut.TrainingCount(images))))]);
}

/// <summary>The validation split: the last sixth of the training images, 10,000 of MNIST's 60,000.</summary>
internal static class HeldOut
{
    public static int TrainingCount(ImageDataset images) => images.Count - (images.Count / 6);

    public static int[] Rows(ImageDataset images) => [.. Enumerable.Range(TrainingCount(images), images.Count / 6)];
}

using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>What a network makes of one image, at T = 1 as every trained network predicts.</summary>
/// <param name="Label">The most probable class; of equal ones the first.</param>
/// <param name="Probabilities">The probability of each class.</param>
public sealed record Prediction(int Label, IReadOnlyList<float> Probabilities)
{
    /// <summary>The probability of <see cref="Label"/>.</summary>
    public float Probability => Probabilities[Label];

    /// <summary>Whether label and probabilities are the same.</summary>
    public bool Equals(Prediction? other) => other is not null && Label == other.Label && Probabilities.SequenceEqual(other.Probabilities);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Label, Probabilities.Count, Probabilities.Count > 0 ? Probabilities[0] : 0);

    /// <summary>Runs a network over images, labelled or not.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="images">The images; of a subset, its rows take part.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>A prediction for each row that takes part, in their order.</returns>
    /// <exception cref="ArgumentException">The network does not fit the images.</exception>
    /// <exception cref="InvalidOperationException">The network has no parameters yet.</exception>
    /// <exception cref="InvalidRowException">The network gives a row of logits that has no softmax.</exception>
    public static IReadOnlyList<Prediction> Of(Network network, ResidentImages images, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        using TeacherLogits logits = TeacherLogits.Compute([network], images, cancellation: cancellation);
        float[] values = logits.ToHost();
        return [.. images.Rows.Select(row =>
            Of(values.AsSpan(row * logits.Classes, logits.Classes)) ?? throw new InvalidRowException(row, InvalidRowReason.StudentLogits, $"'{images.Dataset.Name}'"))];
    }

    // Null for logits that have no softmax.
    private static Prediction? Of(ReadOnlySpan<float> logits)
    {
        int label = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[label])
                label = i;
        }

        float[] probabilities = new float[logits.Length];
        double sum = 0;
        for (int i = 0; i < logits.Length; i++)
            sum += probabilities[i] = (float)Math.Exp((double)logits[i] - logits[label]);
        if (!(sum >= 1))
            return null;
        for (int i = 0; i < probabilities.Length; i++)
            probabilities[i] = (float)(probabilities[i] / sum);
        return new Prediction(label, probabilities);
    }
}

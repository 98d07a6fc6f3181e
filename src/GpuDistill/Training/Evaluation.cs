using System.Globalization;
using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>How a network does on labelled images, predicting at T = 1.</summary>
/// <param name="Count">Labelled images.</param>
/// <param name="Errors">Those predicted wrong; of equal logits the first counts.</param>
/// <param name="CrossEntropy">Mean cross entropy with the labels, in nats.</param>
/// <param name="ErrorsByClass">Errors per correct class.</param>
/// <param name="CountByClass">Labelled images per correct class.</param>
public sealed record Evaluation(
    int Count, int Errors, double CrossEntropy, IReadOnlyList<int> ErrorsByClass, IReadOnlyList<int> CountByClass)
{
    /// <summary>Errors as a share of the images.</summary>
    public double ErrorRate => Count > 0 ? (double)Errors / Count : double.NaN;

    /// <summary>Whether all numbers are the same, class by class.</summary>
    public bool Equals(Evaluation? other) =>
        other is not null
        && (Count, Errors, CrossEntropy).Equals((other.Count, other.Errors, other.CrossEntropy))
        && ErrorsByClass.SequenceEqual(other.ErrorsByClass)
        && CountByClass.SequenceEqual(other.CountByClass);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Count, Errors, CrossEntropy, CountByClass.Count);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Errors:N0} errors on {Count:N0} images ({100 * ErrorRate:F2} %), cross entropy {Readable(CrossEntropy)}");

    // Four decimals where they tell something, else powers of ten.
    private static string Readable(double value) =>
        value.ToString(Math.Abs(value) is >= 1e6 or (> 0 and < 1e-3) ? "0.####e+0" : "F4", CultureInfo.InvariantCulture);

    /// <summary>Runs a network over images and compares its predictions with their labels.</summary>
    /// <exception cref="InvalidRowException">The network gives a row of logits that has no softmax.</exception>
    public static Evaluation Of(Network network, ResidentImages images, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        images.CheckLabels(network.Shape.Classes);
        using TeacherLogits logits = TeacherLogits.Compute([network], images, cancellation: cancellation);
        return Of(logits, images);
    }

    /// <summary>Compares what logits predict, those of an ensemble for instance, with the labels of the images they belong to.</summary>
    /// <exception cref="ArgumentException">The logits belong to other images or to a subset of these, or a label has no logit.</exception>
    /// <exception cref="InvalidRowException">A row of logits has no softmax.</exception>
    public static Evaluation Of(TeacherLogits logits, ResidentImages images)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(images);
        images.CheckLabels(logits.Classes);
        logits.CheckBelongTo(images);
        logits.CheckCovers(images.Rows.Where(row => images.Dataset.Labels[row] >= 0), images.Dataset);
        return Of(logits, logits.Classes, images, Math.Max(1, HostCopies.Piece / logits.Classes));
    }

    // Some rows at a time, so that no array need hold all logits.
    internal static Evaluation Of(TeacherLogits logits, int classes, ResidentImages images, int rowsAtATime)
    {
        float[] piece = [];
        int first = 0;
        int end = 0;
        int[] errorsByClass = new int[classes];
        int[] countByClass = new int[classes];
        double loss = 0;
        foreach (int row in images.Rows.Order())
        {
            int label = images.Dataset.Labels[row];
            if (label < 0)
                continue;
            if (row >= end)
            {
                first = row;
                end = (int)Math.Min((long)row + rowsAtATime, logits.Rows);
                piece = logits.Logits.Data.SubView((long)first * classes, (long)(end - first) * classes).ToHost(logits.Device);
            }

            ReadOnlySpan<float> values = piece.AsSpan((row - first) * classes, classes);
            int prediction = 0;
            for (int i = 1; i < classes; i++)
            {
                if (values[i] > values[prediction])
                    prediction = i;
            }

            double sum = 0;
            foreach (float value in values)
                sum += Math.Exp((double)value - values[prediction]);
            if (!(sum >= 1))
                throw new InvalidRowException(row, InvalidRowReason.StudentLogits, $"'{images.Dataset.Name}'");
            loss += Math.Log(sum) - ((double)values[label] - values[prediction]);
            countByClass[label]++;
            if (prediction != label)
                errorsByClass[label]++;
        }

        int count = countByClass.Sum();
        return new Evaluation(count, errorsByClass.Sum(), count > 0 ? loss / count : double.NaN, errorsByClass, countByClass);
    }
}

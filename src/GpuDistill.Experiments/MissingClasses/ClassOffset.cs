namespace GpuDistill.Experiments;

/// <summary>
/// How far the biases of some classes must move for a network to predict them as often as they occur: a rule that sees class
/// frequencies and unlabelled images, and no label.
/// </summary>
/// <remarks>
/// An offset t on the logits of the classes S makes a case predicted as one of S exactly if its margin, the largest logit outside S
/// less the largest inside, is below t. So a share s of the cases is predicted as S where t is the s-quantile of the margins. With
/// the right share, cases wrongly given to S and cases wrongly kept from it are equally many.
/// </remarks>
internal static class ClassOffset
{
    /// <summary>The offset by which <paramref name="share"/> of the cases are predicted as one of <paramref name="chosen"/>.</summary>
    /// <param name="logits">[cases x classes].</param>
    /// <param name="classes">Classes.</param>
    /// <param name="chosen">Some of the classes, not all.</param>
    /// <param name="share">The share in which they occur, from 0 to 1.</param>
    public static float Matching(float[] logits, int classes, IReadOnlyCollection<int> chosen, double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        bool[] inside = new bool[classes];
        foreach (int label in chosen)
            inside[label] = true;
        float[] margins = new float[logits.Length / classes];
        for (int row = 0; row < margins.Length; row++)
            margins[row] = Margin(logits.AsSpan(row * classes, classes), inside);
        Array.Sort(margins);
        int count = (int)Math.Round(share * margins.Length);
        return count == 0 ? MathF.BitDecrement(margins[0])
            : count == margins.Length ? MathF.BitIncrement(margins[^1])
            : (margins[count - 1] + margins[count]) / 2;
    }

    private static float Margin(ReadOnlySpan<float> logits, bool[] inside)
    {
        float largestInside = float.NegativeInfinity;
        float largestOutside = float.NegativeInfinity;
        for (int i = 0; i < logits.Length; i++)
        {
            if (inside[i])
                largestInside = MathF.Max(largestInside, logits[i]);
            else
                largestOutside = MathF.Max(largestOutside, logits[i]);
        }

        return largestOutside - largestInside;
    }
}

namespace GpuDistill.Experiments;

/// <summary>A part of an experiment's report.</summary>
internal abstract record Block;

/// <summary>Running text.</summary>
internal sealed record Paragraph(string Text) : Block;

/// <summary>What was found, a sentence each.</summary>
internal sealed record Findings(IReadOnlyList<Finding> Items) : Block;

/// <summary>A sentence on the results.</summary>
/// <param name="Text">The sentence.</param>
/// <param name="Holds">Whether a target is reached or a claim holds; null where nothing is at stake or chance could explain it.</param>
internal sealed record Finding(string Text, bool? Holds = null)
{
    /// <summary>A target that only the full recipe is held to.</summary>
    public static Finding Target(Setup setup, string text, bool holds) => new(text, setup.Recipe.ComparesWithPaper ? holds : null);

    /// <summary>A claim that the second setting is better, as far as it is no chance.</summary>
    public static Finding Better(string text, PairedDifference difference, int tests = 1) =>
        new($"{text}: {difference.Verdict(tests)}.", difference.IsReal(tests) ? difference.Mean > 0 : null);
}

/// <summary>A table; the first column names the rows, the others hold numbers.</summary>
internal sealed record ResultTable(string Caption, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows) : Block;

/// <summary>A plot.</summary>
internal sealed record Chart : Block
{
    /// <summary>The name of its file, without extension.</summary>
    public required string Name { get; init; }

    public required string Title { get; init; }

    /// <summary>What is seen, and what the error bars are.</summary>
    public required string Caption { get; init; }

    public required Axis X { get; init; }

    public required Axis Y { get; init; }

    public required IReadOnlyList<Series> Series { get; init; }
}

/// <summary>An axis.</summary>
/// <param name="Label">Quantity and unit.</param>
/// <param name="Logarithmic">Logarithmic, for values above 0.</param>
/// <param name="Ticks">Where its ticks are; null for round numbers.</param>
/// <param name="Names">Names of the ticks; null for their numbers.</param>
internal sealed record Axis(string Label, bool Logarithmic = false, IReadOnlyList<double>? Ticks = null, IReadOnlyList<string>? Names = null);

/// <summary>Points that belong together.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Points">The points, by ascending x.</param>
/// <param name="Line">Whether they are joined.</param>
internal sealed record Series(string Name, IReadOnlyList<Point> Points, bool Line = true);

/// <summary>A point; <paramref name="HalfWidth"/> is half its error bar, NaN for none.</summary>
internal readonly record struct Point(double X, double Y, double HalfWidth = double.NaN)
{
    /// <summary>The mean of a sample with its confidence interval.</summary>
    public static Point Of(double x, Sample sample) => new(x, sample.Mean, sample.HalfWidth);
}

using System.Text.RegularExpressions;

namespace GpuDistill;

/// <summary>Compares the settings that a checkpoint names with those of a training, one by one, by the texts of the options' records.</summary>
public static partial class CheckpointSettings
{
    /// <summary>
    /// Finds out what differs before anything long begins: before a teacher is run, say. Images, logits and epochs are left to
    /// <see cref="Trainer.LoadCheckpoint"/>, which compares everything.
    /// </summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="settings">Records of options, such as <see cref="TrainingOptions"/> and those of the objective.</param>
    /// <exception cref="ModelFileException">The file is missing or damaged, or settings differ; the message names each.</exception>
    public static void Check(string path, params IEnumerable<object> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        string there = string.Join(", ", SafeTensors.Read(path).Metadata.Values);
        string here = string.Join(", ", settings);
        List<string> differences = [.. Differences(Pairs(there), Pairs(here), inBothOnly: true)];
        if (differences.Count > 0)
            throw new ModelFileException(path, $"it belongs to another training: {string.Join("; ", differences)}");
    }

    /// <summary>What differs between two texts of settings: "LearningRate was 0.05, is 0.01"; both texts where they name none.</summary>
    internal static string Difference(string there, string here)
    {
        List<string> differences = [.. Differences(Pairs(there), Pairs(here), inBothOnly: false)];
        return differences.Count > 0 ? string.Join("; ", differences) : $"{there}; here: {here}";
    }

    private static IEnumerable<string> Differences(Dictionary<string, string> there, Dictionary<string, string> here, bool inBothOnly)
    {
        foreach (string name in there.Keys.Union(here.Keys))
        {
            bool was = there.TryGetValue(name, out string? before);
            bool @is = here.TryGetValue(name, out string? now);
            if (before == now || (inBothOnly && !(was && @is && name != nameof(TrainingOptions.Epochs))))
                continue;
            yield return $"{name} was {before ?? "not set"}, is {now ?? "not set"}";
        }
    }

    // A record writes itself as Type { Name = value, Name = Type { ... } }: the innermost values, and the types of records.
    private static Dictionary<string, string> Pairs(string text)
    {
        Dictionary<string, string> pairs = [];
        foreach (Match match in Pair().Matches(text))
            pairs.TryAdd(match.Groups[1].Value, match.Groups[2].Value.Trim());
        return pairs;
    }

    [GeneratedRegex(@"(\w+) = ([^,{}]*)")]
    private static partial Regex Pair();
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace GpuDistill.Experiments;

/// <summary>
/// The finished runs of an output directory: <c>runs/KEY.json</c>, and <c>runs/KEY.safetensors</c> where later runs need the
/// network. A file counts only if all its settings are those asked for; what a run needs is part of its settings, down to the
/// images and the device, so results of different settings never mix.
/// </summary>
internal sealed class RunStore
{
    private readonly string _directory;
    private readonly IReadOnlyDictionary<string, string> _common;

    /// <param name="directory">The output directory.</param>
    /// <param name="common">Settings that all runs share: images, device, version.</param>
    public RunStore(string directory, IReadOnlyDictionary<string, string> common)
    {
        _directory = Path.Combine(directory, "runs");
        _common = common;
        Directory.CreateDirectory(_directory);
    }

    /// <summary>The file of a run's network.</summary>
    public string ModelPath(Run run) => Path.Combine(_directory, $"{run.Key}.safetensors");

    /// <summary>Writes a run's network, before its record.</summary>
    public void SaveModel(Run run, Network network) => ModelFile.Save(network, ModelPath(run));

    /// <summary>The record of a run that is finished with exactly these settings, or null.</summary>
    public RunRecord? Find(Run run) => Find(run, out _);

    /// <summary>The same, and why a run that is kept cannot be used and will be done anew; null where nothing is the matter.</summary>
    public RunRecord? Find(Run run, out string? damage)
    {
        damage = null;
        string path = RecordPath(run);
        if (!File.Exists(path))
            return null;
        try
        {
            RunRecord? record = JsonSerializer.Deserialize<RunRecord>(File.ReadAllText(path), Json.Options);
            if (record is not { Settings: not null, Measures: not null } || !Same(record.Settings, SettingsOf(run)))
                return null;
            if (run is TrainingRun { KeepsModel: true })
                SafeTensors.Read(ModelPath(run)); // with its checksum
            return record;
        }
        catch (JsonException)
        {
            damage = $"{path}: it is damaged.";
        }
        catch (ModelFileException exception)
        {
            damage = exception.Message;
        }

        return null;
    }

    /// <summary>Forgets a run before it is done anew, so that no record ever stands beside another run's network.</summary>
    public void Forget(Run run) => File.Delete(RecordPath(run));

    /// <summary>Keeps a finished run; its network, if it has one, was written before.</summary>
    public RunRecord Keep(Run run, IReadOnlyDictionary<string, double> measures, TimeSpan elapsed, DateTimeOffset finished)
    {
        RunRecord record = new(run.Key, SettingsOf(run), measures, Math.Round(elapsed.TotalSeconds, 3), finished);
        Json.Write(RecordPath(run), record);
        return record;
    }

    private string RecordPath(Run run) => Path.Combine(_directory, $"{run.Key}.json");

    private SortedDictionary<string, string> SettingsOf(Run run)
    {
        SortedDictionary<string, string> settings = new(StringComparer.Ordinal);
        foreach ((string name, string value) in _common)
            settings.Add(name, value);
        foreach ((string name, string value) in run.Settings)
            settings.Add(name, value);
        for (int i = 0; i < run.Needs.Count; i++)
            settings.Add($"needs {i + 1}", $"{run.Needs[i].Key} {Fingerprint(SettingsOf(run.Needs[i]))}");
        return settings;
    }

    private static string Fingerprint(SortedDictionary<string, string> settings)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Join('\n', settings.Select(setting => $"{setting.Key}={setting.Value}")));
        return Convert.ToHexStringLower(SHA256.HashData(text))[..16];
    }

    private static bool Same(IReadOnlyDictionary<string, string> first, SortedDictionary<string, string> second) =>
        first.Count == second.Count && second.All(setting => first.TryGetValue(setting.Key, out string? value) && value == setting.Value);
}

using System.Text.Json;
using System.Text.Json.Serialization;

namespace GpuDistill.GpuTimings;

/// <summary>
/// The JSON file of timings, whole after each of them, so that nothing measured is lost when a later one fails or time runs out. What the
/// file held before of other work stays.
/// </summary>
internal sealed class TimingFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    private readonly string _path;
    private readonly List<Timing> _timings;

    public TimingFile(string path)
    {
        _path = path;
        _timings = File.Exists(path) ? JsonSerializer.Deserialize<List<Timing>>(File.ReadAllText(path), Json) ?? [] : [];
    }

    public IReadOnlyList<Timing> Timings => _timings;

    /// <summary>Adds a timing in place of an older one of the same work.</summary>
    public void Add(Timing timing)
    {
        _timings.RemoveAll(old => (old.Kind, old.Work, old.Dtype) == (timing.Kind, timing.Work, timing.Dtype));
        _timings.Add(timing);
        string whole = _path + ".new"; // moved into place, so that no reader finds half a file
        File.WriteAllText(whole, JsonSerializer.Serialize(_timings, Json) + "\n");
        File.Move(whole, _path, overwrite: true);
    }
}

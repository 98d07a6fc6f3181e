using System.Globalization;
using System.Text.RegularExpressions;

namespace GpuDistill.PtxMachine;

/// <summary>
/// A kernel's text in its statements: as much of PTX's grammar as ILGPU writes. Functions beside the kernel are not read; a call of one
/// is an unknown instruction.
/// </summary>
internal sealed partial class PtxText
{
    private readonly List<Statement> _statements = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<(string Name, int Alignment, int Bytes)> _shared = [];

    private PtxText(string ptx)
    {
        Match entry = Entry().Match(ptx);
        if (!entry.Success)
            throw new FormatException("The text has no kernel.");
        Name = entry.Groups["name"].Value;
        ParameterBytes = int.Parse(entry.Groups["bytes"].Value, CultureInfo.InvariantCulture);
        Parameter = entry.Groups["parameter"].Value;
        MostThreads = Bounds().Match(ptx) is { Success: true } bounds ? int.Parse(bounds.Groups["threads"].Value, CultureInfo.InvariantCulture) : null;
        HasDynamicShared = ptx.Contains($" {DynamicShared}[]", StringComparison.Ordinal);
        foreach (string part in Body(ptx, entry.Index + entry.Length).Split(';'))
            Read(part);
    }

    /// <summary>The name that ILGPU gives dynamic shared memory.</summary>
    public const string DynamicShared = "__dyn_shared_alloca";

    /// <summary>The kernel's name.</summary>
    public string Name { get; }

    public string Parameter { get; }

    public int ParameterBytes { get; }

    /// <summary>The threads that a group may have at most, where the kernel says so.</summary>
    public int? MostThreads { get; }

    public bool HasDynamicShared { get; }

    public IReadOnlyList<Statement> Statements => _statements;

    /// <summary>The statement that each label stands before.</summary>
    public IReadOnlyDictionary<string, int> Labels => _labels;

    /// <summary>Static shared memory.</summary>
    public IReadOnlyList<(string Name, int Alignment, int Bytes)> Shared => _shared;

    public static PtxText Of(string ptx) => new(Comment().Replace(ptx, ""));

    private static string Body(string ptx, int from)
    {
        int start = ptx.IndexOf('{', from) + 1;
        int depth = 1;
        for (int i = start; i < ptx.Length; i++)
        {
            depth += ptx[i] == '{' ? 1 : ptx[i] == '}' ? -1 : 0;
            if (depth == 0)
                return ptx[start..i];
        }

        throw new FormatException("A brace is not closed.");
    }

    private void Read(string text)
    {
        // Braces at the beginning are those of blocks; a name that a block declares anew is the same register here.
        text = text.TrimStart('{', '}', ' ', '\t', '\r', '\n').TrimEnd();
        while (Label().Match(text) is { Success: true } label)
        {
            _labels.Add(label.Groups["name"].Value, _statements.Count);
            text = text[label.Length..].TrimStart('{', '}', ' ', '\t', '\r', '\n');
        }

        if (text.Length == 0 || text.StartsWith(".reg", StringComparison.Ordinal))
            return;
        if (SharedMemory().Match(text) is { Success: true } shared)
        {
            _shared.Add((
                shared.Groups["name"].Value,
                int.Parse(shared.Groups["alignment"].Value, CultureInfo.InvariantCulture),
                int.Parse(shared.Groups["bytes"].Value, CultureInfo.InvariantCulture)));
            return;
        }

        Match instruction = Instruction().Match(text);
        if (!instruction.Success)
            throw new FormatException($"Not understood: {text}");
        Group guard = instruction.Groups["guard"];
        _statements.Add(new Statement(
            guard.Success ? guard.Value : null,
            instruction.Groups["not"].Length > 0,
            instruction.Groups["name"].Value,
            [.. Operand().Matches(instruction.Groups["operands"].Value).Select(match => match.Value)]));
    }

    [GeneratedRegex(@"\.visible \.entry (?<name>\w+)\(\s*\.param \.align \d+ \.b8 (?<parameter>\w+)\[(?<bytes>\d+)\]\s*\)")]
    private static partial Regex Entry();

    [GeneratedRegex(@"\.(maxntid|reqntid) (?<threads>\d+)")]
    private static partial Regex Bounds();

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^(?<name>\w+):\s*")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\.shared \.align (?<alignment>\d+) \.b8 (?<name>\w+)\[(?<bytes>\d+)\]$")]
    private static partial Regex SharedMemory();

    [GeneratedRegex(@"^(@(?<not>!?)(?<guard>%\w+)\s+)?(?<name>[a-z][\w.:]*)(\s+(?<operands>.+))?$", RegexOptions.Singleline)]
    private static partial Regex Instruction();

    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]|[^\s,]+")]
    private static partial Regex Operand();
}

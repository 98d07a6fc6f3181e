using System.Globalization;

namespace GpuDistill.PtxMachine;

/// <summary>What an instruction does to the lanes of a warp that <paramref name="lanes"/> has a bit for.</summary>
internal delegate void Operation(Warp warp, uint lanes);

/// <summary>How an instruction moves a warp on.</summary>
internal enum Flow
{
    /// <summary>To the next one.</summary>
    Straight,

    /// <summary>Only once all lanes of the warp are at it; then to the next one.</summary>
    Together,
    Branch,
    GroupBarrier,
    Exit,
}

/// <summary>One instruction, ready to be executed.</summary>
/// <param name="Source">As it is written, for messages.</param>
/// <param name="Flow">Where it leads.</param>
/// <param name="Guard">The place of its predicate among the registers, or -1.</param>
/// <param name="Target">The instruction that a branch leads to.</param>
/// <param name="Operation">What it does, or null.</param>
internal sealed record Instruction(Statement Source, Flow Flow, int Guard, int Target, Operation? Operation);

/// <summary>
/// A kernel made ready. A register is 32 neighbouring numbers of 64 bits, one per lane; numbers and names in the text have registers too,
/// which hold the same from the start, so that an instruction knows one kind of operand only.
/// </summary>
internal sealed class Program
{
    /// <summary>Where shared memory begins: address 0 is nothing's.</summary>
    public const int SharedStart = 1024;

    private readonly Dictionary<string, int> _registers = [];
    private readonly List<(int Register, ulong Value)> _constants = [];
    private readonly Dictionary<string, ulong> _names = [];

    private Program(string ptx, bool dropsRacingReads, bool errs)
    {
        DropsRacingReads = dropsRacingReads;
        Errs = errs;
        PtxText text = PtxText.Of(ptx);
        Name = text.Name;
        MostThreads = text.MostThreads;
        Parameter = text.Parameter;
        ParameterBytes = text.ParameterBytes;
        int end = SharedStart;
        foreach ((string name, int alignment, int bytes) in text.Shared)
        {
            end = (end + alignment - 1) / alignment * alignment;
            _names[name] = (ulong)end;
            end += bytes;
        }

        DynamicSharedStart = (end + 15) / 16 * 16;
        if (text.HasDynamicShared)
            _names[PtxText.DynamicShared] = (ulong)DynamicSharedStart;
        Contraction?[] contractions = errs ? Contraction.Of(text) : new Contraction?[text.Statements.Count];
        Instructions = [.. text.Statements.Zip(contractions, (statement, contraction) => Ready(statement, contraction, text))];
    }

    public string Name { get; }

    /// <summary>The threads that a group may have at most, where the kernel says so.</summary>
    public int? MostThreads { get; }

    public string Parameter { get; }

    public int ParameterBytes { get; }

    public int DynamicSharedStart { get; }

    public IReadOnlyList<Instruction> Instructions { get; }

    /// <summary>Numbers of 64 bits that the registers of a warp take.</summary>
    public int RegisterLength => _registers.Count * Warp.Size;

    /// <summary>The registers that hold the same from the start.</summary>
    public IReadOnlyList<(int Register, ulong Value)> Constants => _constants;

    /// <summary>Whether it drops what racing reads of shared memory find.</summary>
    public bool DropsRacingReads { get; }

    /// <summary>
    /// Whether arithmetic is as far from what is written as the manual lets it be: approximate instructions inexact, products not rounded
    /// before they are added (<see cref="Contraction"/>). Else all is as exact as its type.
    /// </summary>
    public bool Errs { get; }

    public static Program Of(string ptx, bool dropsRacingReads = false, bool errs = false) => new(ptx, dropsRacingReads, errs);

    /// <summary>The place of a special register, or -1 where the kernel does not read it.</summary>
    public int Special(string name) => _registers.GetValueOrDefault(name, -1);

    /// <summary>The place of the first lane of a register, number or name.</summary>
    public int Register(string operand)
    {
        if (_registers.TryGetValue(operand, out int register))
            return register;
        register = RegisterLength;
        _registers.Add(operand, register);
        if (operand[0] != '%')
            _constants.Add((register, Value(operand)));
        return register;
    }

    /// <summary>The registers of a vector, or the one register of what is none.</summary>
    public int[] Registers(string operand) =>
        [.. operand.Trim('{', '}').Split(',', StringSplitOptions.TrimEntries).Select(Register)];

    /// <summary>The register and the offset of "[register+offset]".</summary>
    public (int Register, long Offset) Address(string operand)
    {
        string[] parts = operand.Trim('[', ']').Split('+', StringSplitOptions.TrimEntries);
        return (Register(parts[0]), parts.Length > 1 ? long.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
    }

    /// <summary>The offset of "[parameter+offset]".</summary>
    public int ParameterOffset(string operand)
    {
        string[] parts = operand.Trim('[', ']').Split('+', StringSplitOptions.TrimEntries);
        if (parts[0] != Parameter)
            throw new FormatException($"{parts[0]} is no parameter.");
        return parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
    }

    private Instruction Ready(Statement statement, Contraction? contraction, PtxText text)
    {
        int guard = statement.Guard is { } name ? Register(name) : -1;
        (Flow flow, Operation? operation) = statement.Name switch
        {
            "bra" => (Flow.Branch, (Operation?)null),
            "ret" => (Flow.Exit, null),
            "bar.sync" => (Flow.GroupBarrier, null),
            _ when statement.Name.Contains(".sync", StringComparison.Ordinal) => (Flow.Together, Operations.Of(this, statement)),
            _ when contraction is not null => (Flow.Straight, Operations.Of(this, contraction)),
            _ => (Flow.Straight, Operations.Of(this, statement)),
        };
        return new Instruction(statement, flow, guard, flow == Flow.Branch ? text.Labels[statement.Operands[0]] : -1, operation);
    }

    private ulong Value(string operand)
    {
        if (_names.TryGetValue(operand, out ulong address))
            return address;
        if (operand.StartsWith("0f", StringComparison.OrdinalIgnoreCase) || operand.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return ulong.Parse(operand.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return operand[0] == '-'
            ? (ulong)long.Parse(operand, CultureInfo.InvariantCulture)
            : ulong.Parse(operand, CultureInfo.InvariantCulture);
    }
}

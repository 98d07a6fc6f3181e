namespace GpuDistill.PtxMachine;

/// <summary>One instruction as it is written.</summary>
/// <param name="Guard">The predicate register in front of it, or null.</param>
/// <param name="GuardIsNegated">Whether the instruction is executed where the predicate is false.</param>
/// <param name="Name">The instruction with its modifiers, "setp.lt.s32".</param>
/// <param name="Operands">Registers, numbers, names, "[address]" and "{vectors}".</param>
internal sealed record Statement(string? Guard, bool GuardIsNegated, string Name, IReadOnlyList<string> Operands)
{
    public override string ToString() =>
        $"{(Guard is null ? "" : $"@{(GuardIsNegated ? "!" : "")}{Guard} ")}{Name} {string.Join(", ", Operands)}";
}

namespace GpuDistill;

/// <summary>A device that can be opened.</summary>
/// <param name="Selector">The name to open it by: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:1</c>.</param>
/// <param name="Kind"><c>cpu</c>, <c>cuda</c> or <c>opencl</c>.</param>
/// <param name="Name">What the maker calls it.</param>
/// <param name="Memory">Its memory in bytes; for the CPU, what this process may use.</param>
/// <param name="Details">One line on versions, size and, for the CPU, the variants it runs.</param>
public sealed record DeviceInfo(string Selector, string Kind, string Name, long Memory, string Details)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Selector} ({Name})";
}

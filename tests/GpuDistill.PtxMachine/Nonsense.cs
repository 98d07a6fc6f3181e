namespace GpuDistill.PtxMachine;

/// <summary>What is found where nothing may be relied on: no number, in any type.</summary>
internal static class Nonsense
{
    public const byte Byte = 0xFF;

    private static readonly byte[] Bytes = [.. Enumerable.Repeat(Byte, 16)];

    public static ReadOnlySpan<byte> Of(int bytes) => Bytes.AsSpan(0, bytes);
}

using System.Text.Json.Serialization;

namespace GpuDistill.Peers;

/// <summary>One piece of work, done by libtorch and by us on the same data.</summary>
internal abstract class Comparison : IDisposable
{
    /// <summary>Bytes that must at least move to and from memory, for work that memory limits; else 0.</summary>
    public virtual double Bytes => 0;

    /// <summary>Floating-point operations, for work that arithmetic limits; else 0.</summary>
    public virtual double Operations => 0;

    public abstract void Peer();

    public abstract void Ours();

    /// <summary>Throws if the two do not agree. Called after each has run once on fresh data.</summary>
    public abstract void CheckAgreement();

    public abstract void Dispose();

    protected static void RequireClose(string what, double peer, double ours, double tolerance)
    {
        if (!(Math.Abs(peer - ours) <= tolerance))
            throw new InvalidOperationException($"{what} differs: libtorch {peer:G9}, ours {ours:G9}, allowed {tolerance:G3}.");
    }

    protected static void RequireClose(string what, ReadOnlySpan<float> peer, ReadOnlySpan<float> ours, double tolerance)
    {
        if (peer.Length != ours.Length)
            throw new InvalidOperationException($"{what} has {peer.Length} elements in libtorch, {ours.Length} in ours.");
        for (int i = 0; i < peer.Length; i++)
            RequireClose($"{what}, element {i},", peer[i], ours[i], tolerance);
    }
}

/// <summary>What was measured, as it is written to JSON.</summary>
internal sealed record Measured(
    [property: JsonPropertyName("work")] string Work,
    [property: JsonPropertyName("peerMs")] double PeerMs,
    [property: JsonPropertyName("oursMs")] double OursMs,
    [property: JsonPropertyName("ratio")] double Ratio,
    [property: JsonPropertyName("shareOfCopyBandwidth")] double? ShareOfCopyBandwidth,
    [property: JsonPropertyName("peerGflops")] double? PeerGflops,
    [property: JsonPropertyName("oursGflops")] double? OursGflops);

using ILGPU.Runtime;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>A CPU launch that calls a delegate on every worker.</summary>
internal sealed class TestLaunch(CpuWorkers workers, Action<CpuTeam> execute)
    : CpuLaunch("Test", KernelVariant.Simd128, workers)
{
    public int Disposals { get; private set; }

    internal override void Execute(CpuTeam team) => execute(team);

    private protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Disposals++;
    }
}

/// <summary>A launch that is no CPU launch, as a portable kernel is none.</summary>
internal sealed class HostLaunch(Action execute) : Launch("Host", KernelVariant.Portable)
{
    private protected override void Submit(AcceleratorStream stream) => execute();
}

/// <summary>The same, told its stream.</summary>
internal sealed class StreamLaunch(Action<AcceleratorStream> execute) : Launch("Stream", KernelVariant.Portable)
{
    private protected override void Submit(AcceleratorStream stream) => execute(stream);
}

using GpuDistill.PtxDriver;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>A context of the driver without a GPU, and work that says that it was done.</summary>
public abstract class PtxDriverCase : IDisposable
{
    private protected DriverContext Context { get; } = new();

    private protected List<string> Done { get; } = [];

    public void Dispose()
    {
        Context.Destroy();
        GC.SuppressFinalize(this);
    }

    private protected static void AssertRefused(Result expected, Action call) =>
        Assert.Equal(expected, Assert.Throws<DriverException>(call).Result);

    private protected Action Does(string name) => () => Done.Add(name);
}

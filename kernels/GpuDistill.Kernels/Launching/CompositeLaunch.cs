using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>Several launches in a row that are one operation, with the workspace that passes between them.</summary>
internal sealed class CompositeLaunch(string operation, KernelVariant variant, Launch[] parts, IDisposable workspace)
    : Launch(operation, variant)
{
    private protected override void Submit(AcceleratorStream stream)
    {
        foreach (Launch part in parts)
            part.Run(stream);
    }

    private protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (Launch part in parts)
                part.Dispose();
            workspace.Dispose();
        }

        base.Dispose(disposing);
    }
}

using System.Runtime.InteropServices;

namespace GpuDistill.Kernels;

/// <summary>The functions of the CUDA driver that graphs need; each returns 0 where it succeeds.</summary>
internal sealed unsafe class CudaGraphFunctions
{
    public required delegate* unmanaged<nint, int, int> BeginCapture { get; init; }

    public required delegate* unmanaged<nint, nint*, int> EndCapture { get; init; }

    public required delegate* unmanaged<nint*, nint, ulong, int> Instantiate { get; init; }

    public required delegate* unmanaged<nint, nint, int> Launch { get; init; }

    public required delegate* unmanaged<nint, int> DestroyGraph { get; init; }

    public required delegate* unmanaged<nint, int> DestroyExecutable { get; init; }

    public required delegate* unmanaged<nint*, uint, int> CreateStream { get; init; }

    public required delegate* unmanaged<nint, int> DestroyStream { get; init; }

    public required delegate* unmanaged<nint*, uint, int> CreateEvent { get; init; }

    public required delegate* unmanaged<nint, nint, int> RecordEvent { get; init; }

    public required delegate* unmanaged<nint, nint, uint, int> WaitEvent { get; init; }

    public required delegate* unmanaged<nint, int> DestroyEvent { get; init; }

    /// <summary>The driver of this machine, or null where there is none or one from before CUDA 11.4.</summary>
    public static CudaGraphFunctions? Load()
    {
        nint library = CudaDriver.Library;
        if (library == 0)
            return null;
        try
        {
            return new CudaGraphFunctions
            {
                BeginCapture = (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "cuStreamBeginCapture_v2"),
                EndCapture = (delegate* unmanaged<nint, nint*, int>)NativeLibrary.GetExport(library, "cuStreamEndCapture"),
                Instantiate = (delegate* unmanaged<nint*, nint, ulong, int>)NativeLibrary.GetExport(library, "cuGraphInstantiateWithFlags"),
                Launch = (delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "cuGraphLaunch"),
                DestroyGraph = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuGraphDestroy"),
                DestroyExecutable = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuGraphExecDestroy"),
                CreateStream = (delegate* unmanaged<nint*, uint, int>)NativeLibrary.GetExport(library, "cuStreamCreate"),
                DestroyStream = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuStreamDestroy_v2"),
                CreateEvent = (delegate* unmanaged<nint*, uint, int>)NativeLibrary.GetExport(library, "cuEventCreate"),
                RecordEvent = (delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "cuEventRecord"),
                WaitEvent = (delegate* unmanaged<nint, nint, uint, int>)NativeLibrary.GetExport(library, "cuStreamWaitEvent"),
                DestroyEvent = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuEventDestroy_v2"),
            };
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }
}

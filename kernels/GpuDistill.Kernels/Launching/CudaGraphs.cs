using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// CUDA's graphs through the driver's own functions, since ILGPU has none: a stream is captured while launches are submitted to it
/// (CUDA Driver API, "Stream Management" and "Graph Management"; CUDA 11.4 or later). Not run on a GPU yet.
/// </summary>
internal sealed unsafe class CudaGraphs : IGraphDriver
{
    // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads do meanwhile neither is recorded nor spoils the recording.
    private const int ThreadLocalCapture = 1;
    private const int Success = 0;

    private static readonly Lazy<CudaGraphs?> Driver = new(Open);

    private readonly delegate* unmanaged<nint, int, int> _beginCapture;
    private readonly delegate* unmanaged<nint, nint*, int> _endCapture;
    private readonly delegate* unmanaged<nint*, nint, ulong, int> _instantiate;
    private readonly delegate* unmanaged<nint, nint, int> _launch;
    private readonly delegate* unmanaged<nint, int> _destroyGraph;
    private readonly delegate* unmanaged<nint, int> _destroyExecutable;

    private CudaGraphs(nint library)
    {
        _beginCapture = (delegate* unmanaged<nint, int, int>)NativeLibrary.GetExport(library, "cuStreamBeginCapture_v2");
        _endCapture = (delegate* unmanaged<nint, nint*, int>)NativeLibrary.GetExport(library, "cuStreamEndCapture");
        _instantiate = (delegate* unmanaged<nint*, nint, ulong, int>)NativeLibrary.GetExport(library, "cuGraphInstantiateWithFlags");
        _launch = (delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "cuGraphLaunch");
        _destroyGraph = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuGraphDestroy");
        _destroyExecutable = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuGraphExecDestroy");
    }

    /// <summary>The driver, for a stream that can be captured: one of CUDA that is not the default stream; else null.</summary>
    public static CudaGraphs? For(AcceleratorStream stream) =>
        stream is CudaStream cuda && cuda.StreamPtr != 0 ? Driver.Value : null;

    public IDisposable? Record(AcceleratorStream stream, Action<AcceleratorStream> submit)
    {
        nint pointer = ((CudaStream)stream).StreamPtr;
        if (_beginCapture(pointer, ThreadLocalCapture) != Success)
            return null;
        nint graph = 0;
        int ended;
        try
        {
            submit(stream);
        }
        finally
        {
            ended = _endCapture(pointer, &graph);
        }

        if (ended != Success || graph == 0)
            return null;
        nint executable = 0;
        int instantiated = _instantiate(&executable, graph, 0);
        _ = _destroyGraph(graph); // the executable form is a copy
        return instantiated == Success ? new Executable(this, executable) : null;
    }

    public void Launch(IDisposable graph, AcceleratorStream stream) =>
        CudaException.ThrowIfFailed((CudaError)_launch(((Executable)graph).Handle, ((CudaStream)stream).StreamPtr));

    private static CudaGraphs? Open()
    {
        if (CudaDriver.Library == 0)
            return null;
        try
        {
            return new CudaGraphs(CudaDriver.Library);
        }
        catch (EntryPointNotFoundException)
        {
            return null; // a driver from before CUDA 11.4
        }
    }

    private sealed class Executable(CudaGraphs driver, nint handle) : IDisposable
    {
        public nint Handle { get; private set; } = handle;

        public void Dispose()
        {
            if (Handle != 0)
                _ = driver._destroyExecutable(Handle);
            Handle = 0;
        }
    }
}

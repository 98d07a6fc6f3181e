using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// CUDA's graphs through the driver's own functions, since ILGPU has none: a stream is captured while launches are submitted to it
/// (CUDA Driver API, "Stream Management" and "Graph Management"; CUDA 11.4 or later). Not run on a GPU yet.
/// </summary>
/// <remarks>
/// Between begin and end only launches, records of events and waits for them may be made on this thread: no allocation, no copy of
/// pageable memory, no synchronization. ILGPU's launch is cuCtxSetCurrent where another accelerator was current, and
/// cuLaunchKernel. Kernels were loaded when they were bound, and by the driver when they first ran. What other threads do
/// meanwhile (ILGPU's finalizers free memory) is neither recorded nor harmful: the capture is the thread's own. A capture that
/// was spoilt all the same is told when it ends, or by the launch that it refuses, and leaves nothing behind.
/// </remarks>
/// <param name="driver">The driver's functions.</param>
internal sealed unsafe class CudaGraphs(CudaGraphFunctions driver) : IGraphDriver
{
    // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL.
    private const int ThreadLocalCapture = 1;

    // CU_EVENT_DISABLE_TIMING, CU_STREAM_NON_BLOCKING.
    private const uint WithoutTiming = 2;
    private const uint ApartFromDefaultStream = 1;
    private const int Success = 0;

    private static readonly Lazy<CudaGraphs?> Driver = new(() => CudaGraphFunctions.Load() is { } functions ? new(functions) : null);

    /// <summary>The driver, for a stream that can be captured: one of CUDA that is not the default stream; else null.</summary>
    public static CudaGraphs? For(AcceleratorStream stream) =>
        stream is CudaStream cuda && cuda.StreamPtr != 0 ? Driver.Value : null;

    public string? Refusal { get; private set; }

    public IDisposable? Record(AcceleratorStream stream, Action<AcceleratorStream, IFork?> submit)
    {
        using ScopedAcceleratorBinding binding = stream.BindScoped();
        var accelerator = (CudaAccelerator)stream.Accelerator;
        nint executable = Record(((CudaStream)stream).StreamPtr, (side, branch, join) =>
        {
            using CudaStream branchStream = accelerator.CreateStream(side, responsible: false);
            submit(stream, new Fork(branchStream, branch, join));
        });
        return executable == 0 ? null : new Executable(accelerator, driver, executable);
    }

    public bool Launch(IDisposable graph, AcceleratorStream stream)
    {
        using ScopedAcceleratorBinding binding = stream.BindScoped();
        return Succeeds(driver.Launch(((Executable)graph).Handle, ((CudaStream)stream).StreamPtr), "cuGraphLaunch");
    }

    /// <summary>
    /// Captures a stream while <paramref name="submit"/> runs. It is handed a second stream, what makes that a branch of the
    /// recorded one as it stands, and what makes the recorded one follow the branch.
    /// </summary>
    /// <returns>An executable graph, or 0 where the driver would not. In any case the capture is over, and nothing else is left.</returns>
    internal nint Record(nint stream, Action<nint, Action, Action> submit)
    {
        nint side = 0, fork = 0, graph = 0, executable = 0;
        try
        {
            if (!Succeeds(driver.CreateStream(&side, ApartFromDefaultStream), "cuStreamCreate")
                || !Succeeds(driver.CreateEvent(&fork, WithoutTiming), "cuEventCreate"))
            {
                return 0;
            }

            (nint branch, nint through) = (side, fork);
            bool isOrdered = true;
            bool isComplete = Capture(stream, &graph, () => submit(
                branch,
                () => isOrdered &= Order(stream, branch, through),
                () => isOrdered &= Order(branch, stream, through)));
            return isComplete && isOrdered && Succeeds(driver.Instantiate(&executable, graph, 0), "cuGraphInstantiateWithFlags") ? executable : 0;
        }
        finally
        {
            if (graph != 0)
                _ = driver.DestroyGraph(graph); // the executable form is a copy
            if (fork != 0)
                _ = driver.DestroyEvent(fork);
            if (side != 0)
                _ = driver.DestroyStream(side);
        }
    }

    // A launch that the driver refuses is no reason to fail: submitted once more, outside of a capture, it will tell why, if it still
    // has a reason. Whatever else goes wrong is the caller's, after the capture was ended.
    private bool Capture(nint stream, nint* graph, Action submit)
    {
        if (!Succeeds(driver.BeginCapture(stream, ThreadLocalCapture), "cuStreamBeginCapture"))
            return false;
        bool isComplete = false;
        try
        {
            submit();
            isComplete = true;
        }
        catch (AcceleratorException refusal)
        {
            Refusal = refusal.Message;
        }
        finally
        {
            isComplete &= Succeeds(driver.EndCapture(stream, graph), "cuStreamEndCapture");
        }

        return isComplete;
    }

    // Lets what is submitted to the second stream next follow what the first has by now.
    private bool Order(nint first, nint second, nint through) =>
        Succeeds(driver.RecordEvent(through, first), "cuEventRecord") && Succeeds(driver.WaitEvent(second, through, 0), "cuStreamWaitEvent");

    private bool Succeeds(int result, string function)
    {
        if (result != Success)
            Refusal = $"{function} returned {(CudaError)result}";
        return result == Success;
    }

    private sealed class Fork(CudaStream side, Action branch, Action join) : IFork
    {
        public AcceleratorStream Branch()
        {
            branch();
            return side;
        }

        public void Join() => join();
    }

    // A child of the accelerator, which frees it in time when it is disposed first.
    private sealed class Executable(Accelerator accelerator, CudaGraphFunctions driver, nint handle) : AcceleratorObject(accelerator)
    {
        public nint Handle => handle;

        protected override void DisposeAcceleratorObject(bool disposing) => _ = driver.DestroyExecutable(handle);
    }
}

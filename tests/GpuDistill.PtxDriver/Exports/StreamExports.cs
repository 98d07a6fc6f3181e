using System.Runtime.InteropServices;

namespace GpuDistill.PtxDriver;

/// <summary>"Stream Management", "Event Management" and "Graph Management" of the CUDA Driver API.</summary>
internal static unsafe class StreamExports
{
    private const uint NonBlocking = 1;
    private const uint WithoutTiming = 2;

    [UnmanagedCallersOnly(EntryPoint = "cuStreamCreate")]
    public static int CreateStream(nint* stream, uint flags) => Driver.Call("cuStreamCreate", () =>
        *stream = Driver.Add(Driver.Current.AddStream(isBlocking: (flags & NonBlocking) == 0)));

    [UnmanagedCallersOnly(EntryPoint = "cuStreamDestroy_v2")]
    public static int DestroyStream(nint stream) => Driver.Call("cuStreamDestroy", () =>
    {
        if (Driver.Get<WorkStream>(stream).Capture is { } capture)
            throw capture.Spoil(Result.CaptureUnsupported, "a captured stream is destroyed");
        WorkStream removed = Driver.Remove<WorkStream>(stream);
        removed.Context.Remove(removed);
    });

    [UnmanagedCallersOnly(EntryPoint = "cuStreamSynchronize")]
    public static int SynchronizeStream(nint stream) =>
        Driver.Call("cuStreamSynchronize", () => Submission.Synchronize(Driver.Stream(stream)));

    [UnmanagedCallersOnly(EntryPoint = "cuStreamWaitEvent")]
    public static int WaitEvent(nint stream, nint @event, uint flags) =>
        Driver.Call("cuStreamWaitEvent", () => Driver.Get<DriverEvent>(@event).Wait(Driver.Stream(stream)));

    [UnmanagedCallersOnly(EntryPoint = "cuEventCreate")]
    public static int CreateEvent(nint* @event, uint flags) => Driver.Call("cuEventCreate", () =>
    {
        _ = Driver.Current;
        *@event = Driver.Add(new DriverEvent(hasTime: (flags & WithoutTiming) == 0));
    });

    [UnmanagedCallersOnly(EntryPoint = "cuEventDestroy_v2")]
    public static int DestroyEvent(nint @event) => Driver.Call("cuEventDestroy", () => Driver.Remove<DriverEvent>(@event));

    [UnmanagedCallersOnly(EntryPoint = "cuEventRecord")]
    public static int RecordEvent(nint @event, nint stream) =>
        Driver.Call("cuEventRecord", () => Driver.Get<DriverEvent>(@event).Record(Driver.Stream(stream)));

    [UnmanagedCallersOnly(EntryPoint = "cuEventQuery")]
    public static int QueryEvent(nint @event) => Driver.Call("cuEventQuery", () =>
    {
        _ = Driver.Current;
        Driver.Get<DriverEvent>(@event).Query();
    });

    [UnmanagedCallersOnly(EntryPoint = "cuEventSynchronize")]
    public static int SynchronizeEvent(nint @event) => Driver.Call("cuEventSynchronize", () =>
    {
        Driver.Current.RefuseWhileCapturing("waiting for an event");
        Driver.Get<DriverEvent>(@event).Synchronize(Driver.Current);
    });

    [UnmanagedCallersOnly(EntryPoint = "cuEventElapsedTime")]
    public static int ElapsedTime(float* milliseconds, nint start, nint end) => Driver.Call("cuEventElapsedTime", () =>
        *milliseconds = Driver.Get<DriverEvent>(end).MillisecondsSince(Driver.Get<DriverEvent>(start)));

    [UnmanagedCallersOnly(EntryPoint = "cuStreamBeginCapture_v2")]
    public static int BeginCapture(nint stream, int mode) =>
        Driver.Call("cuStreamBeginCapture", () => Capture.Begin(Driver.Stream(stream), (Capture.Mode)mode));

    [UnmanagedCallersOnly(EntryPoint = "cuStreamEndCapture")]
    public static int EndCapture(nint stream, nint* graph) => Driver.Call("cuStreamEndCapture", () =>
    {
        *graph = 0;
        WorkStream captured = Driver.Stream(stream);
        Capture capture = captured.Capture ?? throw new DriverException(Result.IllegalState, "the stream is not captured");
        *graph = Driver.Add(capture.End(captured));
    });

    [UnmanagedCallersOnly(EntryPoint = "cuGraphInstantiateWithFlags")]
    public static int Instantiate(nint* executable, nint graph, ulong flags) => Driver.Call("cuGraphInstantiateWithFlags", () =>
    {
        Driver.Current.RefuseWhileCapturing("making a graph executable");
        *executable = Driver.Add(new ExecutableGraph(Driver.Get<Graph>(graph)));
    });

    [UnmanagedCallersOnly(EntryPoint = "cuGraphLaunch")]
    public static int LaunchGraph(nint executable, nint stream) => Driver.Call("cuGraphLaunch", () =>
    {
        WorkStream target = Driver.Stream(stream);
        Graph graph = Driver.Get<ExecutableGraph>(executable).Graph;
        Submission.Submit(target, () => graph.Run(target.Context));
    });

    [UnmanagedCallersOnly(EntryPoint = "cuGraphDestroy")]
    public static int DestroyGraph(nint graph) => Driver.Call("cuGraphDestroy", () => Driver.Remove<Graph>(graph));

    [UnmanagedCallersOnly(EntryPoint = "cuGraphExecDestroy")]
    public static int DestroyExecutable(nint executable) => Driver.Call("cuGraphExecDestroy", () => Driver.Remove<ExecutableGraph>(executable));
}

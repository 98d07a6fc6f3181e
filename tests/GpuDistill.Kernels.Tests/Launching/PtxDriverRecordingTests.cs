using GpuDistill.PtxDriver;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>Graphs of the driver without a GPU: what a recording holds, and what spoils it.</summary>
public unsafe class PtxDriverRecordingTests : PtxDriverCase
{
    [Fact]
    public void A_graph_keeps_no_order_but_that_of_streams_and_events()
    {
        WorkStream stream = Context.AddStream(isBlocking: false);
        WorkStream side = Context.AddStream(isBlocking: false);
        DriverEvent fork = new(hasTime: false), join = new(hasTime: false);
        Capture capture = Capture.Begin(stream, Capture.Mode.ThreadLocal);
        Submission.Submit(stream, Does("a"));
        fork.Record(stream);
        fork.Wait(side);
        Submission.Submit(stream, Does("b"));
        Submission.Submit(side, Does("beside b"));
        join.Record(side);
        join.Wait(stream);
        Submission.Submit(stream, Does("c"));
        Graph graph = capture.End(stream);
        Assert.Empty(Done);
        graph.Run(Context);
        Assert.Equal(["a", "beside b", "b", "c"], Done);
    }

    [Fact]
    public void A_branch_that_is_not_joined_spoils_the_recording()
    {
        WorkStream stream = Context.AddStream(isBlocking: false);
        WorkStream side = Context.AddStream(isBlocking: false);
        DriverEvent fork = new(hasTime: false);
        Capture capture = Capture.Begin(stream, Capture.Mode.ThreadLocal);
        fork.Record(stream);
        fork.Wait(side);
        Submission.Submit(side, Does("lost"));
        AssertRefused(Result.CaptureUnjoined, () => capture.End(stream));
        Submission.Submit(stream, Does("as before"));
        Submission.Synchronize(stream);
        Assert.Equal(["as before"], Done);
    }

    [Fact]
    public void What_would_wait_or_reach_outside_spoils_a_recording()
    {
        nint device = Context.Memory.Allocate(4, isPageLocked: false);
        int pageable = 0;
        nint host = (nint)(&pageable);
        DriverEvent outside = new(hasTime: false);
        outside.Record(Context.DefaultStream);
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, Submission.Synchronize);
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, _ => Submission.Synchronize(Context.DefaultStream));
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, _ => Context.RefuseWhileCapturing("an allocation"));
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, stream => Submission.Copy(stream, device, host, 4));
        AssertSpoils(Result.CaptureIsolation, isBlocking: false, outside.Wait);
        AssertSpoils(Result.CaptureImplicit, isBlocking: true, _ => Submission.Submit(Context.DefaultStream, Does("default")));
    }

    [Fact]
    public void What_other_threads_do_meanwhile_is_no_part_of_a_recording()
    {
        WorkStream stream = Context.AddStream(isBlocking: false);
        Capture capture = Capture.Begin(stream, Capture.Mode.ThreadLocal);
        Submission.Submit(stream, Does("recorded"));
        Thread other = new(() =>
        {
            Context.RefuseWhileCapturing("an allocation");
            Submission.Submit(Context.DefaultStream, Does("apart"));
            Submission.Synchronize(Context.DefaultStream);
        });
        other.Start();
        other.Join();
        capture.End(stream).Run(Context);
        Assert.Equal(["apart", "recorded"], Done);
    }

    private void AssertSpoils(Result expected, bool isBlocking, Action<WorkStream> call)
    {
        WorkStream stream = Context.AddStream(isBlocking);
        Capture capture = Capture.Begin(stream, Capture.Mode.ThreadLocal);
        Submission.Submit(stream, Does("recorded"));
        AssertRefused(expected, () => call(stream));
        AssertRefused(Result.CaptureInvalidated, () => Submission.Submit(stream, Does("recorded")));
        AssertRefused(Result.CaptureInvalidated, () => capture.End(stream));
        Assert.Null(stream.Capture);
        Context.Remove(stream);
    }
}

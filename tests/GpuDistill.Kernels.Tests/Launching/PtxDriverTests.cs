using GpuDistill.PtxDriver;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>The driver that the tests of CUDA run on without a GPU: as late as it may, and refusing what a real one refuses.</summary>
public sealed unsafe class PtxDriverTests : IDisposable
{
    private const int Threads = 64;

    // Adds one to the number of each thread.
    private const string AddOne = """
        .version 8.4
        .target sm_90
        .address_size 64
        .visible .entry add_one(.param .align 8 .b8 numbers[8]) .maxntid 64, 1, 1
        {
            ld.param.u64 %rd1, [numbers+0];
            mov.u32 %r1, %tid.x;
            mul.wide.u32 %rd2, %r1, 4;
            add.u64 %rd2, %rd1, %rd2;
            ld.global.b32 %r2, [%rd2];
            add.s32 %r2, %r2, 1;
            st.global.b32 [%rd2], %r2;
            ret;
        }
        """;

    private readonly DriverContext _context = new();
    private readonly List<string> _done = [];

    public void Dispose() => _context.Destroy();

    [Fact]
    public void Work_is_done_when_it_is_waited_for_and_not_before()
    {
        WorkStream stream = _context.AddStream(isBlocking: false);
        Submission.Submit(stream, Does("a"));
        Assert.Empty(_done);
        Submission.Synchronize(stream);
        Assert.Equal(["a"], _done);
    }

    [Fact]
    public void The_default_stream_follows_blocking_streams_and_no_others()
    {
        Submission.Submit(_context.AddStream(isBlocking: false), Does("apart"));
        Submission.Submit(_context.AddStream(isBlocking: true), Does("blocking"));
        Submission.Submit(_context.DefaultStream, Does("default"));
        Submission.Synchronize(_context.DefaultStream);
        Assert.Equal(["blocking", "default"], _done);
    }

    [Fact]
    public void Blocking_streams_follow_the_default_stream()
    {
        WorkStream blocking = _context.AddStream(isBlocking: true);
        Submission.Submit(_context.DefaultStream, Does("default"));
        Submission.Submit(blocking, Does("blocking"));
        Submission.Synchronize(blocking);
        Assert.Equal(["default", "blocking"], _done);
    }

    [Fact]
    public void A_stream_follows_the_event_that_it_waits_for_and_no_more()
    {
        WorkStream first = _context.AddStream(isBlocking: false);
        WorkStream second = _context.AddStream(isBlocking: false);
        DriverEvent middle = new(hasTime: false);
        Submission.Submit(first, Does("before"));
        middle.Record(first);
        Submission.Submit(first, Does("after"));
        middle.Wait(second);
        Submission.Submit(second, Does("second"));
        Submission.Synchronize(second);
        Assert.Equal(["before", "second"], _done);
    }

    [Fact]
    public void Who_asks_for_an_event_often_enough_sees_it()
    {
        WorkStream stream = _context.AddStream(isBlocking: false);
        DriverEvent end = new(hasTime: true);
        Submission.Submit(stream, Does("a"));
        end.Record(stream);
        AssertRefused(Result.NotReady, end.Query);
        AssertRefused(Result.NotReady, end.Query);
        end.Query();
        Assert.Equal(["a"], _done);
        Assert.Equal(0, end.MillisecondsSince(end));
    }

    [Fact]
    public void Pageable_memory_is_read_at_once_and_page_locked_memory_late()
    {
        WorkStream stream = _context.AddStream(isBlocking: false);
        nint device = _context.Memory.Allocate(8, isPageLocked: false);
        var locked = (int*)_context.Memory.Allocate(4, isPageLocked: true);
        int pageable = 1;
        *locked = 1;
        Submission.Copy(stream, device, (nint)(&pageable), 4);
        Submission.Copy(stream, device + 4, (nint)locked, 4);
        pageable = *locked = 2;
        Submission.Synchronize(stream);
        Assert.Equal((1, 2), (((int*)device)[0], ((int*)device)[1]));
    }

    [Fact]
    public void What_is_copied_to_page_locked_memory_arrives_late_and_to_pageable_memory_at_once()
    {
        WorkStream stream = _context.AddStream(isBlocking: false);
        nint device = _context.Memory.Allocate(4, isPageLocked: false);
        var locked = (int*)_context.Memory.Allocate(4, isPageLocked: true);
        int pageable = 5;
        Submission.Fill(stream, device, 0, 4);
        Submission.Copy(stream, (nint)locked, device, 4);
        Assert.Equal(-1, *locked); // nonsense
        Submission.Copy(stream, (nint)(&pageable), device, 4);
        Assert.Equal((0, 0), (*locked, pageable));
    }

    [Fact]
    public void A_kernel_runs_over_the_memory_that_it_is_given()
    {
        (nint numbers, Action launch) = Kernel(DriverModule.Load(AddOne));
        Submission.Fill(_context.DefaultStream, numbers, 0, Threads * sizeof(int));
        Submission.Submit(_context.DefaultStream, launch);
        Submission.Synchronize(_context.DefaultStream);
        Assert.All(new Span<int>((void*)numbers, Threads).ToArray(), number => Assert.Equal(1, number));
    }

    [Fact]
    public void Memory_that_was_taken_back_is_a_fault_and_the_end_of_the_context()
    {
        (nint numbers, Action launch) = Kernel(DriverModule.Load(AddOne));
        _context.Memory.Free(numbers, isPageLocked: false);
        Submission.Submit(_context.DefaultStream, launch);
        AssertRefused(Result.IllegalAddress, () => Submission.Synchronize(_context.DefaultStream));
        Submission.Submit(_context.DefaultStream, Does("later"));
        AssertRefused(Result.IllegalAddress, () => Submission.Synchronize(_context.DefaultStream));
        Assert.Empty(_done);
    }

    [Theory]
    [InlineData(".version 8.4", ".version 8.5")]
    [InlineData(".target sm_90", ".target sm_100")]
    [InlineData("add.s32 %r2, %r2, 1", "wgmma.fence.sync.aligned")] // of sm_90a alone
    [InlineData("add.s32 %r2, %r2, 1", "nonsense.s32 %r2, %r2")]
    public void Text_for_another_device_or_driver_is_refused(string part, string other) =>
        AssertRefused(Result.InvalidPtx, () => DriverModule.Load(AddOne.Replace(part, other, StringComparison.Ordinal)));

    [Fact]
    public void Launches_that_a_device_refuses_are_refused()
    {
        DriverFunction function = new(DriverModule.Load(AddOne).Program);
        byte[] arguments = new byte[8];
        AssertRefused(Result.InvalidValue, () => function.Launch(_context, 1, Threads + 1, 0, arguments)); // .maxntid
        AssertRefused(Result.InvalidValue, () => function.Launch(_context, 0, Threads, 0, arguments));
        AssertRefused(Result.InvalidValue, () => function.Launch(_context, 1, Threads, 0, arguments.AsSpan(4)));
        AssertRefused(Result.InvalidValue, () => function.Launch(_context, 1, Threads, (48 * 1024) + 1, arguments));
        AssertRefused(Result.InvalidValue, () => function.AllowDynamicBytes((227 * 1024) + 1));
        function.AllowDynamicBytes(227 * 1024);
        function.Launch(_context, 1, Threads, 227 * 1024, arguments);
    }

    [Fact]
    public void A_graph_keeps_no_order_but_that_of_streams_and_events()
    {
        WorkStream stream = _context.AddStream(isBlocking: false);
        WorkStream side = _context.AddStream(isBlocking: false);
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
        Assert.Empty(_done);
        graph.Run(_context);
        Assert.Equal(["a", "beside b", "b", "c"], _done);
    }

    [Fact]
    public void A_branch_that_is_not_joined_spoils_the_recording()
    {
        WorkStream stream = _context.AddStream(isBlocking: false);
        WorkStream side = _context.AddStream(isBlocking: false);
        DriverEvent fork = new(hasTime: false);
        Capture capture = Capture.Begin(stream, Capture.Mode.ThreadLocal);
        fork.Record(stream);
        fork.Wait(side);
        Submission.Submit(side, Does("lost"));
        AssertRefused(Result.CaptureUnjoined, () => capture.End(stream));
        Submission.Submit(stream, Does("as before"));
        Submission.Synchronize(stream);
        Assert.Equal(["as before"], _done);
    }

    [Fact]
    public void What_would_wait_or_reach_outside_spoils_a_recording()
    {
        nint device = _context.Memory.Allocate(4, isPageLocked: false);
        int pageable = 0;
        nint host = (nint)(&pageable);
        DriverEvent outside = new(hasTime: false);
        outside.Record(_context.DefaultStream);
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, Submission.Synchronize);
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, _ => Submission.Synchronize(_context.DefaultStream));
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, _ => _context.RefuseWhileCapturing("an allocation"));
        AssertSpoils(Result.CaptureUnsupported, isBlocking: false, stream => Submission.Copy(stream, device, host, 4));
        AssertSpoils(Result.CaptureIsolation, isBlocking: false, outside.Wait);
        AssertSpoils(Result.CaptureImplicit, isBlocking: true, _ => Submission.Submit(_context.DefaultStream, Does("default")));
    }

    [Fact]
    public void What_other_threads_do_meanwhile_is_no_part_of_a_recording()
    {
        WorkStream stream = _context.AddStream(isBlocking: false);
        Capture capture = Capture.Begin(stream, Capture.Mode.ThreadLocal);
        Submission.Submit(stream, Does("recorded"));
        Thread other = new(() =>
        {
            _context.RefuseWhileCapturing("an allocation");
            Submission.Submit(_context.DefaultStream, Does("apart"));
            Submission.Synchronize(_context.DefaultStream);
        });
        other.Start();
        other.Join();
        capture.End(stream).Run(_context);
        Assert.Equal(["apart", "recorded"], _done);
    }

    private static void AssertRefused(Result expected, Action call) => Assert.Equal(expected, Assert.Throws<DriverException>(call).Result);

    private void AssertSpoils(Result expected, bool isBlocking, Action<WorkStream> call)
    {
        WorkStream stream = _context.AddStream(isBlocking);
        Capture capture = Capture.Begin(stream, Capture.Mode.ThreadLocal);
        Submission.Submit(stream, Does("recorded"));
        AssertRefused(expected, () => call(stream));
        AssertRefused(Result.CaptureInvalidated, () => Submission.Submit(stream, Does("recorded")));
        AssertRefused(Result.CaptureInvalidated, () => capture.End(stream));
        Assert.Null(stream.Capture);
        _context.Remove(stream);
    }

    private (nint Numbers, Action Launch) Kernel(DriverModule module)
    {
        nint numbers = _context.Memory.Allocate(Threads * sizeof(int), isPageLocked: false);
        return (numbers, new DriverFunction(module.Program).Launch(_context, 1, Threads, 0, BitConverter.GetBytes((long)numbers)));
    }

    private Action Does(string name) => () => _done.Add(name);
}

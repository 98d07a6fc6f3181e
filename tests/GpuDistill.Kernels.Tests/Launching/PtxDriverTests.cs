using GpuDistill.PtxDriver;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>The driver that the tests of CUDA run on without a GPU: as late as it may, and refusing what a real one refuses.</summary>
public unsafe class PtxDriverTests : PtxDriverCase
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

    [Fact]
    public void Work_is_done_when_it_is_waited_for_and_not_before()
    {
        WorkStream stream = Context.AddStream(isBlocking: false);
        Submission.Submit(stream, Does("a"));
        Assert.Empty(Done);
        Submission.Synchronize(stream);
        Assert.Equal(["a"], Done);
    }

    [Fact]
    public void The_default_stream_follows_blocking_streams_and_no_others()
    {
        Submission.Submit(Context.AddStream(isBlocking: false), Does("apart"));
        Submission.Submit(Context.AddStream(isBlocking: true), Does("blocking"));
        Submission.Submit(Context.DefaultStream, Does("default"));
        Submission.Synchronize(Context.DefaultStream);
        Assert.Equal(["blocking", "default"], Done);
    }

    [Fact]
    public void Blocking_streams_follow_the_default_stream()
    {
        WorkStream blocking = Context.AddStream(isBlocking: true);
        Submission.Submit(Context.DefaultStream, Does("default"));
        Submission.Submit(blocking, Does("blocking"));
        Submission.Synchronize(blocking);
        Assert.Equal(["default", "blocking"], Done);
    }

    [Fact]
    public void A_stream_follows_the_event_that_it_waits_for_and_no_more()
    {
        WorkStream first = Context.AddStream(isBlocking: false);
        WorkStream second = Context.AddStream(isBlocking: false);
        DriverEvent middle = new(hasTime: false);
        Submission.Submit(first, Does("before"));
        middle.Record(first);
        Submission.Submit(first, Does("after"));
        middle.Wait(second);
        Submission.Submit(second, Does("second"));
        Submission.Synchronize(second);
        Assert.Equal(["before", "second"], Done);
    }

    [Fact]
    public void Who_asks_for_an_event_often_enough_sees_it()
    {
        WorkStream stream = Context.AddStream(isBlocking: false);
        DriverEvent end = new(hasTime: true);
        Submission.Submit(stream, Does("a"));
        end.Record(stream);
        AssertRefused(Result.NotReady, end.Query);
        AssertRefused(Result.NotReady, end.Query);
        end.Query();
        Assert.Equal(["a"], Done);
        Assert.Equal(0, end.MillisecondsSince(end));
    }

    [Fact]
    public void Pageable_memory_is_read_at_once_and_page_locked_memory_late()
    {
        WorkStream stream = Context.AddStream(isBlocking: false);
        nint device = Context.Memory.Allocate(8, isPageLocked: false);
        var locked = (int*)Context.Memory.Allocate(4, isPageLocked: true);
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
        WorkStream stream = Context.AddStream(isBlocking: false);
        nint device = Context.Memory.Allocate(4, isPageLocked: false);
        var locked = (int*)Context.Memory.Allocate(4, isPageLocked: true);
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
        Submission.Fill(Context.DefaultStream, numbers, 0, Threads * sizeof(int));
        Submission.Submit(Context.DefaultStream, launch);
        Submission.Synchronize(Context.DefaultStream);
        Assert.All(new Span<int>((void*)numbers, Threads).ToArray(), number => Assert.Equal(1, number));
    }

    [Fact]
    public void Memory_that_was_taken_back_is_a_fault_and_the_end_of_the_context()
    {
        (nint numbers, Action launch) = Kernel(DriverModule.Load(AddOne));
        Context.Memory.Free(numbers, isPageLocked: false);
        Submission.Submit(Context.DefaultStream, launch);
        AssertRefused(Result.IllegalAddress, () => Submission.Synchronize(Context.DefaultStream));
        Submission.Submit(Context.DefaultStream, Does("later"));
        AssertRefused(Result.IllegalAddress, () => Submission.Synchronize(Context.DefaultStream));
        Assert.Empty(Done);
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
        AssertRefused(Result.InvalidValue, () => function.Launch(Context, 1, Threads + 1, 0, arguments)); // .maxntid
        AssertRefused(Result.InvalidValue, () => function.Launch(Context, 0, Threads, 0, arguments));
        AssertRefused(Result.InvalidValue, () => function.Launch(Context, 1, Threads, 0, arguments.AsSpan(4)));
        AssertRefused(Result.InvalidValue, () => function.Launch(Context, 1, Threads, (48 * 1024) + 1, arguments));
        AssertRefused(Result.InvalidValue, () => function.AllowDynamicBytes((227 * 1024) + 1));
        function.AllowDynamicBytes(227 * 1024);
        function.Launch(Context, 1, Threads, 227 * 1024, arguments);
    }

    private (nint Numbers, Action Launch) Kernel(DriverModule module)
    {
        nint numbers = Context.Memory.Allocate(Threads * sizeof(int), isPageLocked: false);
        return (numbers, new DriverFunction(module.Program).Launch(Context, 1, Threads, 0, BitConverter.GetBytes((long)numbers)));
    }
}

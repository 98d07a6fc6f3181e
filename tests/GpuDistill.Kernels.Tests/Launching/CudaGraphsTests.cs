using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>Recording against a driver made of functions here, which fail on demand: whatever fails, no capture and no handle stays.</summary>
public unsafe class CudaGraphsTests
{
    private const nint Main = 1;

    [Theory]
    [InlineData(nameof(FakeDriver.CreateStream), "cuStreamCreate")]
    [InlineData(nameof(FakeDriver.CreateEvent), "cuEventCreate")]
    [InlineData(nameof(FakeDriver.BeginCapture), "cuStreamBeginCapture")]
    [InlineData(nameof(FakeDriver.RecordEvent), "cuEventRecord")]
    [InlineData(nameof(FakeDriver.WaitEvent), "cuStreamWaitEvent")]
    [InlineData(nameof(FakeDriver.EndCapture), "cuStreamEndCapture")]
    [InlineData(nameof(FakeDriver.Instantiate), "cuGraphInstantiateWithFlags")]
    public void Whatever_the_driver_refuses_there_is_no_graph_and_nothing_is_left(string refused, string function)
    {
        FakeDriver.Reset(refused);
        CudaGraphs graphs = new(FakeDriver.Functions);
        Assert.Equal(0, graphs.Record(Main, (_, branch, join) =>
        {
            branch();
            join();
        }));
        Assert.Contains(refused, FakeDriver.Log);
        Assert.Equal($"{function} returned CUDA_ERROR_INVALID_VALUE", graphs.Refusal);
        Assert.Equal(0, FakeDriver.Open);
        Assert.Equal(0, FakeDriver.Captures);
    }

    [Fact]
    public void A_launch_that_the_driver_refuses_ends_the_capture_without_a_graph()
    {
        FakeDriver.Reset();
        CudaGraphs graphs = new(FakeDriver.Functions);
        Assert.Equal(0, graphs.Record(Main, (_, _, _) => throw new RefusedException()));
        Assert.Equal(new RefusedException().Message, graphs.Refusal);
        Assert.DoesNotContain(nameof(FakeDriver.Instantiate), FakeDriver.Log);
        Assert.Equal((0, 0), (FakeDriver.Open, FakeDriver.Captures));
    }

    [Fact]
    public void Any_other_exception_is_the_callers_and_the_capture_is_over()
    {
        FakeDriver.Reset();
        Assert.Throws<InvalidDataException>(() => new CudaGraphs(FakeDriver.Functions).Record(Main, (_, _, _) => throw new InvalidDataException()));
        Assert.Contains(nameof(FakeDriver.EndCapture), FakeDriver.Log);
        Assert.Equal((0, 0), (FakeDriver.Open, FakeDriver.Captures));
    }

    [Fact]
    public void A_branch_follows_the_stream_and_is_followed_by_it()
    {
        FakeDriver.Reset();
        nint branchStream = 0;
        nint graph = new CudaGraphs(FakeDriver.Functions).Record(Main, (side, branch, join) =>
        {
            branchStream = side;
            branch();
            join();
        });
        Assert.NotEqual(0, graph);
        Assert.Equal(1, FakeDriver.Open); // the executable graph alone
        Assert.Equal([(Main, branchStream), (branchStream, Main)], FakeDriver.Orders);
        string[] calls =
        [
            nameof(FakeDriver.CreateStream), nameof(FakeDriver.CreateEvent), nameof(FakeDriver.BeginCapture),
            nameof(FakeDriver.RecordEvent), nameof(FakeDriver.WaitEvent), nameof(FakeDriver.RecordEvent), nameof(FakeDriver.WaitEvent),
            nameof(FakeDriver.EndCapture), nameof(FakeDriver.Instantiate),
        ];
        Assert.Equal(calls, FakeDriver.Log);
    }

    // ILGPU's own for CUDA asks the driver for its message.
    private sealed class RefusedException : AcceleratorException
    {
        public override AcceleratorType AcceleratorType => AcceleratorType.Cuda;
    }

    private static class FakeDriver
    {
        private static string _refused = "";
        private static nint _next;
        private static nint _recorded;

        public static List<string> Log { get; } = [];

        public static List<(nint First, nint Second)> Orders { get; } = [];

        /// <summary>Handles that were made and not destroyed.</summary>
        public static int Open { get; private set; }

        public static int Captures { get; private set; }

        public static CudaGraphFunctions Functions { get; } = new()
        {
            BeginCapture = &BeginCapture,
            EndCapture = &EndCapture,
            Instantiate = &Instantiate,
            Launch = &Launch,
            DestroyGraph = &Destroy,
            DestroyExecutable = &Destroy,
            CreateStream = &CreateStream,
            DestroyStream = &Destroy,
            CreateEvent = &CreateEvent,
            RecordEvent = &RecordEvent,
            WaitEvent = &WaitEvent,
            DestroyEvent = &Destroy,
        };

        public static void Reset(string refused = "")
        {
            _refused = refused;
            _next = 100;
            Log.Clear();
            Orders.Clear();
            (Open, Captures) = (0, 0);
        }

        [UnmanagedCallersOnly]
        public static int BeginCapture(nint stream, int mode)
        {
            if (!Does())
                return 1;
            Captures++;
            return 0;
        }

        // As the driver: a capture is over even where it was spoilt, and then there is no graph; here there is one, to be destroyed.
        [UnmanagedCallersOnly]
        public static int EndCapture(nint stream, nint* graph)
        {
            Captures--;
            *graph = Make();
            return Does() ? 0 : 1;
        }

        [UnmanagedCallersOnly]
        public static int Instantiate(nint* executable, nint graph, ulong flags)
        {
            if (!Does())
                return 1;
            *executable = Make();
            return 0;
        }

        [UnmanagedCallersOnly]
        public static int CreateStream(nint* stream, uint flags)
        {
            if (!Does())
                return 1;
            *stream = Make();
            return 0;
        }

        [UnmanagedCallersOnly]
        public static int CreateEvent(nint* created, uint flags)
        {
            if (!Does())
                return 1;
            *created = Make();
            return 0;
        }

        [UnmanagedCallersOnly]
        public static int RecordEvent(nint recorded, nint stream)
        {
            _recorded = stream;
            return Does() ? 0 : 1;
        }

        [UnmanagedCallersOnly]
        public static int WaitEvent(nint stream, nint waited, uint flags)
        {
            Orders.Add((_recorded, stream));
            return Does() ? 0 : 1;
        }

        [UnmanagedCallersOnly]
        private static int Launch(nint executable, nint stream) => 0;

        [UnmanagedCallersOnly]
        private static int Destroy(nint handle)
        {
            Open--;
            return 0;
        }

        private static nint Make()
        {
            Open++;
            return _next++;
        }

        private static bool Does([CallerMemberName] string name = "")
        {
            Log.Add(name);
            return name != _refused;
        }
    }
}

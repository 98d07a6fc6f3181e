using GpuDistill.PtxMachine;
using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Xunit;
using Half = System.Half;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>The machine that runs kernels' PTX finds what a GPU would not tell, or only now and then.</summary>
public class PtxMachineTests
{
    private const int Threads = 64;

    [Fact]
    public void A_barrier_makes_the_numbers_of_other_threads_safe_to_read() =>
        Assert.Equal(Enumerable.Range(1, Threads).Select(i => i % Threads), Run(Exchanging, Threads));

    [Fact]
    public void Without_the_barrier_it_is_a_race() => AssertFault("races for shared memory", Racing, Threads);

    [Fact]
    public void Beside_the_buffers_nothing_is_read() => AssertFault("outside of all buffers", ReadingBeside, Threads);

    [Fact]
    public void A_barrier_for_some_of_a_warp_alone_is_a_mistake() => AssertFault("at different barriers", ParticularBarriers, Threads);

    [Fact]
    public void A_shuffle_needs_all_lanes() => AssertFault("of the warp's FFFFFFFF come to it", PartialShuffle, Threads);

    [Fact]
    public void Shared_memory_begins_as_nonsense() => Assert.All(Run(Unset, Threads), value => Assert.Equal(-1, value));

    [Fact]
    public void A_copy_that_is_not_waited_for_has_not_arrived() => Assert.All(Run(Hasty, Threads), value => Assert.Equal(-1, value));

    [Fact]
    public void Accesses_of_16_bytes_begin_at_multiples_of_them() =>
        AssertFault("no multiple of them", Aligned, Threads, first: 1);

    [Fact]
    public void What_others_have_read_is_not_overwritten_before_a_barrier() => AssertFault("races for shared memory", Overwriting, Threads);

    [Fact]
    public void Nor_what_another_warp_has_read_however_far_this_one_is() => AssertFault("races for shared memory", OverwritingFurtherOn, Threads);

    [Fact]
    public void After_a_barrier_it_may_be() => Assert.Equal(Enumerable.Repeat(-1, Threads), Run(OverwritingAfterwards, Threads));

    [Fact]
    public void A_loop_without_end_is_a_fault() => AssertFault("goes on for ever", Waiting, 1);

    [Theory]
    [InlineData(7, 5)]
    [InlineData(8, 0)]
    public void What_older_architectures_are_given_runs_too(int major, int minor)
    {
        using PtxLoader older = new(new CudaArchitecture(major, minor));
        Accelerator accelerator = TestDevices.Get("ptx", KernelVariant.Portable).Accelerator;
        using KernelContext portable = new(accelerator, KernelVariant.Portable) { Loader = older };
        float[] numbers = TestData.Uniform(100, 3, 1);
        using GuardedBuffer<float> wide = new(portable, numbers);
        using GuardedBuffer<BFloat16> bf16 = new(portable, numbers.Length);
        using GuardedBuffer<Half> half = new(portable, numbers.Length);
        using Launch toBFloat16 = PrecisionCast.Bind(portable, wide.View, bf16.View);
        using Launch toHalf = PrecisionCast.Bind(portable, wide.View, half.View);
        toBFloat16.Run(accelerator.DefaultStream);
        toHalf.Run(accelerator.DefaultStream);
        Assert.Equal(numbers.Select(number => (BFloat16)number), bf16.Read());
        Assert.Equal(numbers.Select(number => (Half)number), half.Read());

        if (major < 8)
            return;
        using KernelContext tensorCores = KernelContext.EmulatingCuda(accelerator, MatrixPrecision.Tf32, CudaTileKind.Small, loader: older);
        float[] whole = [.. Enumerable.Range(0, 64).Select(i => (float)((i * 7 % 5) - 2))];
        using GuardedBuffer<float> factor = new(tensorCores, whole);
        using GuardedBuffer<float> square = new(tensorCores, whole.Length);
        using Launch product = MatrixProduct.Bind(tensorCores, factor.Matrix(8, 8), factor.Matrix(8, 8), square.Matrix(8, 8));
        product.Run(accelerator.DefaultStream);
        (double[] expected, _) = MatrixProduct.Reference(whole, false, whole, false, 8, 8, 8);
        Assert.Equal(expected, square.Read().Select(sum => (double)sum));
    }

    [KernelEntry]
    internal static void Exchanging(Arguments a)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(Threads);
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        a.Numbers[Group.IdxX] = shared[(Group.IdxX + 1) % Threads];
    }

    [KernelEntry]
    internal static void Racing(Arguments a)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(Threads);
        shared[Group.IdxX] = Group.IdxX;
        a.Numbers[Group.IdxX] = shared[(Group.IdxX + 1) % Threads];
    }

    // Read by 0, 1 and again 0, and written by 0.
    [KernelEntry]
    internal static void Overwriting(Arguments a)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(1);
        if (Group.IdxX == 0)
            a.Numbers[0] = shared[0];
        if (Group.IdxX == 1)
            a.Numbers[1] = shared[0];
        if (Group.IdxX == 0)
            a.Numbers[0] = shared[0];
        if (Group.IdxX == 0)
            shared[0] = 1;
    }

    // Read by both warps, one of which has passed barriers of its own.
    [KernelEntry]
    internal static void OverwritingFurtherOn(Arguments a)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(1);
        if (Group.IdxX == 0)
            a.Numbers[0] = shared[0];
        if (Group.IdxX >= 32)
        {
            SubGroup.Barrier();
            SubGroup.Barrier();
            a.Numbers[Group.IdxX] = shared[0];
            SubGroup.Barrier();
            if (Group.IdxX == 32)
                shared[0] = 1;
        }
    }

    [KernelEntry]
    internal static void OverwritingAfterwards(Arguments a)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(1);
        a.Numbers[Group.IdxX] = shared[0];
        Group.Barrier();
        if (Group.IdxX == 0)
            shared[0] = 1;
    }

    // For somebody who never comes.
    [KernelEntry]
    internal static void Waiting(Arguments a)
    {
        while (Atomic.Add(ref a.Numbers[0], 0) == 0)
        {
        }
    }

    [KernelEntry]
    internal static void ReadingBeside(Arguments a) => a.Numbers[Group.IdxX] = a.Numbers[Group.IdxX + Threads];

    [KernelEntry]
    internal static void ParticularBarriers(Arguments a)
    {
        if (Group.IdxX % 2 == 0)
        {
            Group.Barrier();
            a.Numbers[Group.IdxX] = 1;
        }
        else
        {
            a.Numbers[Group.IdxX] = 2;
            Group.Barrier();
        }
    }

    [KernelEntry]
    internal static void PartialShuffle(Arguments a)
    {
        if (Group.IdxX % 2 == 0)
            a.Numbers[Group.IdxX] = SubGroup.Exchange(Group.IdxX, 2);
    }

    [KernelEntry]
    internal static void Unset(Arguments a) => a.Numbers[Group.IdxX] = SharedMemory.Allocate<int>(Threads)[Group.IdxX];

    [KernelEntry]
    internal static void Hasty(Arguments a)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(Threads);
        AsyncCopy.OneFloat(ref shared[Group.IdxX], ref a.Numbers.Cast<float>()[Group.IdxX], sizeof(float));
        AsyncCopy.Commit();
        a.Numbers[Group.IdxX] = shared.Cast<int>()[Group.IdxX];
    }

    [KernelEntry]
    internal static void Aligned(Arguments a)
    {
        Quad quad = a.Numbers.Cast<Quad>()[Group.IdxX & 1];
        a.Numbers[Group.IdxX] = (int)quad.X;
    }

    private static void AssertFault(string message, Action<Arguments> kernel, int threads, int first = 0) =>
        Assert.Contains(message, Assert.Throws<PtxFault>(() => Run(kernel, threads, first)).Message, StringComparison.Ordinal);

    private static int[] Run(Action<Arguments> kernel, int threads, int first = 0)
    {
        KernelContext context = TestDevices.Get("ptx", KernelVariant.Portable);
        using GuardedBuffer<int> numbers = new(context, new int[threads + first]);
        Arguments arguments = new() { Numbers = numbers.View.SubView(first, threads) };
        using Launch launch = context.BindKernel("test", kernel, 1, threads, arguments);
        launch.Run(context.Accelerator.DefaultStream);
        return numbers.Read();
    }

    internal struct Arguments
    {
        public ArrayView<int> Numbers;
    }
}

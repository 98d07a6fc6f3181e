using GpuDistill.PtxMachine;
using GpuDistill.TestKit;
using ILGPU;
using Xunit;

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

    [KernelEntry]
    internal static void ReadingBeside(Arguments a) => a.Numbers[Group.IdxX] = a.Numbers[Group.IdxX + 1];

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

using GpuDistill.PtxMachine;
using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>
/// The machine that runs kernels' PTX knows which of a launch's threads may rely on what others wrote to global memory: after a barrier
/// within a group, and between groups after a fence and an atomic here, and an atomic and a fence there.
/// </summary>
public class GlobalOrderTests
{
    private const int Groups = 3;
    private const int Threads = 64;

    [Fact]
    public void Within_a_group_a_barrier_orders() =>
        Assert.Equal(Enumerable.Range(0, Threads).Select(i => (i + 1) % Threads), Run(Exchanging).Skip(Threads).Take(Threads));

    [Fact]
    public void And_nothing_else_does() => AssertRace("reads", ExchangingHastily);

    [Fact]
    public void Two_groups_do_not_write_the_same_number() => AssertRace("writes", WritingTheSame);

    [Fact]
    public void Nor_does_one_write_what_the_other_reads() => AssertRace("writes", WritingWhatIsRead);

    [Fact]
    public void What_the_last_group_finds_is_everybodys() => Assert.Equal(3 * Groups * (Groups + 1) / 2, Run(Publishing)[^1]);

    [Fact]
    public void Not_without_a_fence_before_the_atomic() => AssertRace("reads", PublishingUnfenced);

    [Fact]
    public void Nor_without_one_after_it() => AssertRace("reads", TakingUnfenced);

    [Fact]
    public void One_threads_fence_publishes_what_others_wrote_before_a_barrier_before_it() =>
        Assert.Equal(3 * Groups * (Groups + 1) / 2, Run(PublishingForOthers)[^1]);

    [Fact]
    public void And_not_what_they_wrote_before_a_barrier_after_it() => AssertRace("reads", PublishingForOthersTooEarly);

    [KernelEntry]
    internal static void Exchanging(Arguments a)
    {
        if (Grid.IdxX > 0)
            return;
        a.Numbers[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        a.Numbers[Threads + Group.IdxX] = a.Numbers[(Group.IdxX + 1) % Threads];
    }

    [KernelEntry]
    internal static void ExchangingHastily(Arguments a)
    {
        if (Grid.IdxX > 0)
            return;
        a.Numbers[Group.IdxX] = Group.IdxX;
        a.Numbers[Threads + Group.IdxX] = a.Numbers[(Group.IdxX + 1) % Threads];
    }

    [KernelEntry]
    internal static void WritingTheSame(Arguments a)
    {
        if (Group.IdxX == 0)
            a.Numbers[0] = 1;
    }

    [KernelEntry]
    internal static void WritingWhatIsRead(Arguments a)
    {
        if (Group.IdxX == 0 && Grid.IdxX == 0)
            a.Numbers[1] = a.Numbers[0];
        if (Group.IdxX == 0 && Grid.IdxX == 1)
            a.Numbers[0] = 1;
    }

    [KernelEntry]
    internal static void Publishing(Arguments a)
    {
        if (Group.IdxX == 0)
        {
            a.Numbers[Grid.IdxX] = 3 * (Grid.IdxX + 1);
            MemoryFence.DeviceLevel();
            if (Atomic.Add(ref a.Counter[0], 1) < Groups - 1)
                return;
            MemoryFence.DeviceLevel();
            StoreSum(a);
        }
    }

    [KernelEntry]
    internal static void PublishingUnfenced(Arguments a)
    {
        if (Group.IdxX == 0)
        {
            a.Numbers[Grid.IdxX] = 3 * (Grid.IdxX + 1);
            if (Atomic.Add(ref a.Counter[0], 1) < Groups - 1)
                return;
            MemoryFence.DeviceLevel();
            StoreSum(a);
        }
    }

    [KernelEntry]
    internal static void TakingUnfenced(Arguments a)
    {
        if (Group.IdxX == 0)
        {
            a.Numbers[Grid.IdxX] = 3 * (Grid.IdxX + 1);
            MemoryFence.DeviceLevel();
            if (Atomic.Add(ref a.Counter[0], 1) == Groups - 1)
                StoreSum(a);
        }
    }

    [KernelEntry]
    internal static void PublishingForOthers(Arguments a)
    {
        if (Group.IdxX == Threads - 1)
            a.Numbers[Grid.IdxX] = 3 * (Grid.IdxX + 1);
        Group.Barrier();
        if (Group.IdxX == 0)
        {
            MemoryFence.DeviceLevel();
            if (Atomic.Add(ref a.Counter[0], 1) < Groups - 1)
                return;
            MemoryFence.DeviceLevel();
            StoreSum(a);
        }
    }

    [KernelEntry]
    internal static void PublishingForOthersTooEarly(Arguments a)
    {
        if (Group.IdxX == Threads - 1)
            a.Numbers[Grid.IdxX] = 3 * (Grid.IdxX + 1);
        MemoryFence.DeviceLevel();
        Group.Barrier();
        if (Group.IdxX == 0 && Atomic.Add(ref a.Counter[0], 1) == Groups - 1)
        {
            MemoryFence.DeviceLevel();
            StoreSum(a);
        }
    }

    private static void StoreSum(Arguments a)
    {
        int sum = 0;
        for (int i = 0; i < Groups; i++)
            sum += a.Numbers[i];
        a.Numbers[a.Numbers.IntLength - 1] = sum;
    }

    private static void AssertRace(string does, Action<Arguments> kernel)
    {
        string message = Assert.Throws<PtxFault>(() => Run(kernel)).Message;
        Assert.Contains($"{does} global memory", message, StringComparison.Ordinal);
        Assert.Contains("in a race", message, StringComparison.Ordinal);
    }

    private static int[] Run(Action<Arguments> kernel)
    {
        KernelContext context = TestDevices.Get("ptx", KernelVariant.Portable);
        using GuardedBuffer<int> numbers = new(context, new int[3 * Threads]);
        using GuardedBuffer<int> counter = new(context, new int[1]);
        Arguments arguments = new() { Numbers = numbers.View, Counter = counter.View };
        using Launch launch = context.BindKernel("test", kernel, Groups, Threads, arguments);
        launch.Run(context.Accelerator.DefaultStream);
        return numbers.Read();
    }

    internal struct Arguments
    {
        public ArrayView<int> Numbers;
        public ArrayView<int> Counter;
    }
}

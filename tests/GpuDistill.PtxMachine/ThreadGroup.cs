namespace GpuDistill.PtxMachine;

/// <summary>A group of threads that is executed.</summary>
internal sealed class ThreadGroup
{
    // A warp that waits for another group in a loop lets it run after so many instructions.
    private const int Turn = 20_000;

    private readonly Warp[] _warps;

    public ThreadGroup(Program program, int index, int groups, int threads, int dynamicSharedBytes, byte[] parameters, GlobalMemory global, GlobalOrder order)
    {
        Index = index;
        Groups = groups;
        Threads = threads;
        Parameters = parameters;
        Global = global;
        Order = order;
        Shared = new GroupMemory(program.DynamicSharedStart + dynamicSharedBytes, program.DropsRacingReads);
        IEnumerable<int> warps = Enumerable.Range(0, (threads + Warp.Size - 1) / Warp.Size);
        // Every other group from the last warp on: a race shows in one order or the other.
        _warps = [.. (index % 2 == 0 ? warps : warps.Reverse()).Select(warp => new Warp(program, this, warp))];
    }

    public int Index { get; }

    public int Groups { get; }

    public int Threads { get; }

    public byte[] Parameters { get; }

    public GlobalMemory Global { get; }

    /// <summary>The order of accesses to it, which all groups of a launch share.</summary>
    public GlobalOrder Order { get; }

    public GroupMemory Shared { get; }

    /// <summary>Barriers that the group has passed.</summary>
    public int Epoch { get; private set; }

    public bool HasEnded => Array.TrueForAll(_warps, warp => warp.HasEnded);

    public int ProxyFencesOf(int thread) =>
        Array.Find(_warps, warp => warp.Index == thread / Warp.Size)!.ProxyFences[thread % Warp.Size];

    /// <summary>Goes on to the next barrier, or for a while.</summary>
    public void Run()
    {
        foreach (Warp warp in _warps)
            warp.Run(Turn);
        if (HasEnded || !Array.TrueForAll(_warps, warp => warp.HasEnded || warp.IsAtGroupBarrier))
            return;
        foreach (Warp warp in _warps)
            warp.PassGroupBarrier();
        Epoch++;
    }
}

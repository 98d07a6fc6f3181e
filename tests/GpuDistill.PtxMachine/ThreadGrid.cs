namespace GpuDistill.PtxMachine;

/// <summary>
/// A kernel's groups, executed instruction by instruction. It is far from a GPU's speed, and no compiler stands between the text and what
/// is done.
/// </summary>
internal static class ThreadGrid
{
    // Groups under way at a time: so that one that waits for another is seen to.
    private const int Resident = 3;

    // Turns in which no group passes a barrier or ends; the longest kernels take a few.
    private const int MostTurnsWithoutEvent = 200;

    /// <param name="program">The kernel.</param>
    /// <param name="groups">Groups.</param>
    /// <param name="threads">Threads of each.</param>
    /// <param name="dynamicSharedBytes">The bytes of dynamic shared memory that each has.</param>
    /// <param name="parameters">The arguments, as the kernel has them.</param>
    /// <param name="global">What it may touch.</param>
    /// <param name="isBackwards">Whether the last group begins first: no order is promised.</param>
    /// <exception cref="PtxFault">The kernel does what would be undefined, or a fault, on a GPU.</exception>
    public static void Run(Program program, int groups, int threads, int dynamicSharedBytes, byte[] parameters, GlobalMemory global, bool isBackwards = false)
    {
        List<ThreadGroup> running = [];
        GlobalOrder order = new(program.DropsRacingReads);
        int next = 0;
        int turns = 0;
        while (next < groups || running.Count > 0)
        {
            while (running.Count < Resident && next < groups)
            {
                int index = isBackwards ? groups - 1 - next : next;
                running.Add(new ThreadGroup(program, index, groups, threads, dynamicSharedBytes, parameters, global, order));
                next++;
            }

            int barriers = running.Sum(group => group.Epoch);
            foreach (ThreadGroup group in running)
                group.Run();
            bool passed = running.Sum(group => group.Epoch) > barriers;
            bool ended = running.RemoveAll(group => group.HasEnded) > 0;
            turns = passed || ended ? 0 : turns + 1;
            if (turns > MostTurnsWithoutEvent)
                throw new PtxFault($"group {running[0].Index} goes on for ever, or waits for a group that is not under way");
        }
    }
}

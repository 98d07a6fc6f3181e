using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace GpuDistill.Kernels;

/// <summary>
/// The threads that carry out CPU launches: the caller and <c>count - 1</c> background threads that spin briefly for the
/// next submission before they sleep. A step of a small network has a dozen launches of a few microseconds each, so
/// handing each one to a general thread pool would cost more than the work.
/// </summary>
internal sealed class CpuWorkers : IDisposable
{
    // About 50 us on the machines measured: longer than the host spends between two steps, shorter than a scheduler tick.
    private const int SpinsBeforeSleep = 2_000;

    private readonly Lock _submit = new();
    private readonly Thread[] _threads;
    private readonly object _sleepers = new();
    private readonly CpuLaunch[] _one = new CpuLaunch[1];

    private CpuLaunch[] _work = [];
    private volatile int _submission;
    private int _sleeping;
    private int _running;
    private int _arrived;
    private volatile int _barrierGeneration;
    private volatile Exception? _failure;
    private volatile bool _stop;

    /// <param name="count">Workers, the caller included; 0 takes one per logical processor.</param>
    public CpuWorkers(int count = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Count = count == 0 ? Environment.ProcessorCount : count;
        _threads = new Thread[Count - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int index = i + 1;
            _threads[i] = new Thread(() => Serve(index)) { IsBackground = true, Name = $"GpuDistill worker {index}" };
            _threads[i].Start();
        }
    }

    public int Count { get; }

    /// <summary>Where matrix products pack their operands.</summary>
    public PackingMemory Packing { get; } = new();

    /// <summary>Runs one launch on all workers; returns when it is done.</summary>
    public void Run(CpuLaunch launch)
    {
        lock (_submit)
        {
            _one[0] = launch;
            Submit(_one);
        }
    }

    /// <summary>Runs the launches in order, as one submission with a barrier between two of them.</summary>
    public void Run(CpuLaunch[] launches)
    {
        lock (_submit)
            Submit(launches);
    }

    /// <summary>Makes room in <see cref="Packing"/> for a product, between two submissions.</summary>
    public void Reserve(long left, long right)
    {
        lock (_submit)
            Packing.Reserve(left, right);
    }

    public void Dispose()
    {
        lock (_submit)
        {
            if (_stop)
                return;
            _stop = true;
            Interlocked.Increment(ref _submission);
            WakeSleepers();
        }

        foreach (Thread thread in _threads)
            thread.Join();
        Packing.Dispose();
    }

    internal void Barrier()
    {
        int generation = _barrierGeneration;
        if (Interlocked.Increment(ref _arrived) == Count)
        {
            _arrived = 0;
            _barrierGeneration = generation + 1;
            return;
        }

        SpinWait spin = default;
        while (_barrierGeneration == generation)
        {
            if (_failure is not null)
                throw new OperationCanceledException("Another worker failed.");
            Relax(ref spin);
        }
    }

    private void Submit(CpuLaunch[] launches)
    {
        ObjectDisposedException.ThrowIf(_stop, this);
        _work = launches;
        _failure = null;
        _arrived = 0;
        Volatile.Write(ref _running, Count);
        // The full fence orders the new submission before the look at who sleeps (Serve does the mirror image).
        Interlocked.Increment(ref _submission);
        WakeSleepers();

        Work(0, launches);
        SpinWait spin = default;
        while (Volatile.Read(ref _running) != 0)
            Relax(ref spin);
        // All have taken their work; what stays here would stay alive.
        _work = [];
        _one[0] = null!;
        if (_failure is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }

    [SuppressMessage("Design", "CA1031", Justification = "Kept and thrown again on the submitting thread.")]
    private void Work(int index, CpuLaunch[] launches)
    {
        try
        {
            CpuTeam team = new(this, index, Count);
            for (int i = 0; i < launches.Length; i++)
            {
                if (i > 0)
                    team.Barrier();
                launches[i].Execute(team);
            }
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, exception, null);
        }

        Interlocked.Decrement(ref _running);
    }

    private void Serve(int index)
    {
        int seen = 0;
        while (true)
        {
            for (int spins = 0; _submission == seen; spins++)
            {
                if (spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(4);
                    continue;
                }

                Sleep(seen);
            }

            seen = _submission;
            if (_stop)
                return;
            Work(index, _work);
        }
    }

    // A condition and not a count of permits: a quick worker that sleeps again could take the permit of a slow one, which
    // would then sleep through the submission.
    private void Sleep(int seen)
    {
        Interlocked.Increment(ref _sleeping);
        lock (_sleepers)
        {
            while (_submission == seen)
                Monitor.Wait(_sleepers);
        }

        Interlocked.Decrement(ref _sleeping);
    }

    private void WakeSleepers()
    {
        if (Volatile.Read(ref _sleeping) == 0)
            return;
        lock (_sleepers)
            Monitor.PulseAll(_sleepers);
    }

    // Spins without giving up the time slice while the wait is short; yields once another thread may need the core.
    private static void Relax(ref SpinWait spin)
    {
        if (spin.Count < 40)
        {
            Thread.SpinWait(4);
            spin.SpinOnce(sleep1Threshold: -1);
        }
        else
        {
            Thread.Yield();
        }
    }
}

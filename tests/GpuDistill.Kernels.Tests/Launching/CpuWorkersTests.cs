using System.Collections.Concurrent;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class CpuWorkersTests
{
    public static TheoryData<int> Counts => [1, 2, 3, 5];

    [Theory]
    [MemberData(nameof(Counts))]
    public void Every_worker_runs_every_launch_once(int count)
    {
        using CpuWorkers workers = new(count);
        Assert.Equal(count, workers.Count);
        int[] calls = new int[count];
        TestLaunch launch = new(workers, team =>
        {
            Assert.Equal(count, team.Count);
            Interlocked.Increment(ref calls[team.Index]);
        });
        for (int i = 0; i < 200; i++)
            workers.Run(launch);
        Assert.All(calls, c => Assert.Equal(200, c));
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void Nobody_passes_a_barrier_before_all_arrive(int count)
    {
        using CpuWorkers workers = new(count);
        int[] stage = new int[count];
        TestLaunch launch = new(workers, team =>
        {
            for (int i = 1; i <= 20; i++)
            {
                Volatile.Write(ref stage[team.Index], i);
                team.Barrier();
                for (int other = 0; other < count; other++)
                    Assert.Equal(i, Volatile.Read(ref stage[other]));
                team.Barrier();
            }
        });
        for (int i = 0; i < 20; i++)
            workers.Run(launch);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void Launches_of_one_submission_follow_one_another(int count)
    {
        using CpuWorkers workers = new(count);
        int done = 0;
        CpuLaunch[] launches = [.. Enumerable.Range(0, 5).Select(i => new TestLaunch(workers, _ =>
        {
            Assert.InRange(Volatile.Read(ref done), i * count, ((i + 1) * count) - 1);
            Interlocked.Increment(ref done);
        }))];
        for (int i = 0; i < 50; i++)
        {
            done = 0;
            workers.Run(launches);
            Assert.Equal(5 * count, done);
        }
    }

    // Workers fall asleep after about 50 us; some pauses are shorter, some longer.
    [Theory]
    [MemberData(nameof(Counts))]
    public void Sleeping_workers_wake_up(int count)
    {
        using CpuWorkers workers = new(count);
        int calls = 0;
        TestLaunch launch = new(workers, _ => Interlocked.Increment(ref calls));
        for (int i = 0; i < 150; i++)
        {
            workers.Run(launch);
            Assert.Equal((i + 1) * count, calls);
            if (i % 3 == 0)
                Thread.Sleep(i % 2);
            else
                Thread.SpinWait(i * 50);
        }
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void An_exception_reaches_the_caller_and_the_workers_survive(int count)
    {
        using CpuWorkers workers = new(count);
        for (int failing = 0; failing < count; failing++)
        {
            int index = failing;
            TestLaunch bad = new(workers, team =>
            {
                team.Barrier();
                if (team.Index == index)
                    throw new InvalidOperationException($"worker {index}");
                team.Barrier(); // would never be complete
            });
            TestLaunch never = new(workers, team => Assert.Equal(index, team.Index));
            InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => workers.Run([bad, never]));
            Assert.Equal($"worker {index}", exception.Message);
            int calls = 0;
            TestLaunch good = new(workers, team =>
            {
                team.Barrier();
                Interlocked.Increment(ref calls);
                team.Barrier();
            });
            workers.Run([good, good]);
            Assert.Equal(2 * count, calls);
        }
    }

    [Fact]
    public void Submissions_of_several_threads_do_not_mix()
    {
        using CpuWorkers workers = new(3);
        ConcurrentBag<string> errors = [];
        int inside = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            TestLaunch launch = new(workers, team =>
            {
                Interlocked.Increment(ref inside);
                team.Barrier();
                if (Volatile.Read(ref inside) != 3)
                    errors.Add($"{inside} workers inside");
                team.Barrier();
                Interlocked.Decrement(ref inside);
                team.Barrier();
            });
            for (int i = 0; i < 25; i++)
                workers.Run(launch);
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Empty(errors);
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public void Disposed_workers_refuse_work(int count)
    {
        CpuWorkers workers = new(count);
        TestLaunch launch = new(workers, _ => { });
        workers.Run(launch);
        workers.Dispose();
        workers.Dispose();
        Assert.Throws<ObjectDisposedException>(() => workers.Run(launch));
    }

    [Fact]
    public void A_negative_count_is_refused_and_zero_takes_all_processors()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuWorkers(-1));
        using CpuWorkers workers = new();
        Assert.Equal(Environment.ProcessorCount, workers.Count);
    }

    [Fact]
    public void Parts_cover_everything_once_at_multiples_of_the_grain()
    {
        foreach (long length in (long[])[0, 1, 5, 16, 17, 1000, 3L << 31])
        {
            foreach (int count in (int[])[1, 2, 3, 16])
            {
                foreach (long grain in (long[])[1, 4, 16])
                {
                    long expected = 0;
                    for (int index = 0; index < count; index++)
                    {
                        (long start, long end) = new CpuTeam(null!, index, count).Part(length, grain);
                        Assert.Equal(expected, start);
                        Assert.True(end >= start && (end % grain == 0 || end == length));
                        expected = end;
                    }

                    Assert.Equal(length, expected);
                }
            }
        }
    }
}

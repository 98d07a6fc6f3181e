using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>One walk of each teacher over the transfer set, batch by batch, adding its predictions to the store.</summary>
internal sealed class TeacherRun(
    IReadOnlyList<Network> teachers, ResidentImages images, Matrix<float> store, TeacherMeanKind mean, float temperature)
{
    private const int BatchSize = 512;

    public void Run(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        TeacherMeanOptions options = new() { Kind = mean, Teachers = teachers.Count, Temperature = temperature };
        int batches = (images.Length + BatchSize - 1) / BatchSize;
        ProgressClock clock = new("teacher logits", teachers.Count, (long)batches * BatchSize, (long)batches * teachers.Count, BatchSize);
        for (int teacher = 0; teacher < teachers.Count; teacher++)
        {
            using Batch batch = new(images, BatchSize);
            using NetworkPass pass = NetworkPass.Of(teachers[teacher], batch);
            foreach (Launch refresh in pass.RefreshWeights())
            {
                using (refresh)
                    refresh.Run(images.Device.Stream);
            }

            using LaunchSequence step = new(Bind(batch, pass, options, teacher));
            // Of the clock's value nothing is wanted but when it comes.
            using RunAhead<StepState> ahead = new(() => Readback<StepState>.Of(images.Device.Stream, batch.Clock));
            batch.StartBefore(0);
            ahead.Start((_, point) => Arrived(point));
            ProgressPoint last = default;
            for (int i = 0; i < batches; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                step.Run(images.Device.Stream);
                last = clock.After(((long)teacher * batches) + i + 1);
                ahead.Stepped(last);
            }

            ahead.Finish(last);
        }

        using Launch finish = TeacherMean.BindFinish(images.Device.Kernels, store, options);
        finish.Run(images.Device.Stream);
        images.Device.Stream.Synchronize();

        void Arrived(ProgressPoint point)
        {
            if (point.IsDue)
                progress?.Report(clock.Report(point));
        }
    }

    private IEnumerable<Launch> Bind(Batch batch, NetworkPass pass, TeacherMeanOptions options, int teacher)
    {
        yield return batch.BindClock(LearningRateSchedule.Constant(0));
        yield return pass.Gather(new BatchOptions { Shuffle = false, Wrap = false });
        foreach (Launch forward in pass.Forward())
            yield return forward;
        yield return TeacherMean.BindAdd(images.Device.Kernels, pass.Logits, batch.Rows, store, options, teacher);
    }
}

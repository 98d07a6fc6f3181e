using GpuDistill.TestKit;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>Totals and counts of batches that many groups share, which the last of them to be done adds up.</summary>
public class LossGroupTests
{
    private const int Runs = 4;

    // More than a thousand groups of two threads in slabs, and several of any size in blocks of rows.
    private const int Rows = 2600;

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Totals_of_many_groups_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        LossCase plain = LossCase.Peaky(Rows, 3) with { HasRowLosses = false };
        plain.Check(context, "plain");
        LossCase counted = plain with { Options = new() { Reduction = Reduction.Mean }, ClassWeights = [0.5f, 1, 2] };
        counted.Check(context, "counted");
        (counted with { Labels = Bad(1, Rows - 1) }).Check(context, "bad rows in the first and the last group");
        (counted with { Labels = Bad(Rows / 2, Rows - 2) }).Check(context, "bad rows further on");

        int[] Bad(params int[] rows) => [.. plain.Labels!.Select((label, row) => rows.Contains(row) ? 3 : label)];
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Each_run_counts_its_groups_anew_and_leaves_the_same_bits(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        using Batch batch = new(context, seed: 1);
        float[] first = batch.Logits;
        float[] second = [.. first.Select(logit => 1.5f * logit)];
        LossTotals one = batch.Run(first);
        LossTotals other = batch.Run(second);
        Assert.NotEqual(one, other);
        using (Batch fresh = new(context, seed: 1))
            Assert.Equal(other, fresh.Run(second));
        for (int run = 0; run < Runs; run++)
        {
            Assert.Equal(one, batch.Run(first));
            Assert.Equal(other, batch.Run(second));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Launches_in_flight_at_the_same_time_do_not_count_each_others_groups(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        using AcceleratorStream aside = context.Accelerator.CreateStream();
        using Batch batch = new(context, seed: 1);
        using Batch other = new(context, seed: 7);
        LossTotals expected = batch.Run(batch.Logits);
        LossTotals otherExpected = other.Run(other.Logits);
        batch.Clear();
        other.Clear();
        context.Accelerator.Synchronize();
        for (int run = 0; run < Runs; run++)
        {
            batch.Launch.Run(context.Accelerator.DefaultStream);
            other.Launch.Run(aside);
        }

        context.Accelerator.Synchronize();
        Assert.Equal(expected, batch.Totals);
        Assert.Equal(otherExpected, other.Totals);
    }

    private sealed class Batch : IDisposable
    {
        private const int Columns = 3;

        private readonly KernelContext _context;
        private readonly GuardedBuffer<float> _student, _teacher, _gradient;
        private readonly GuardedBuffer<int> _labels;
        private readonly GuardedBuffer<LossTotals> _totals;

        public Batch(KernelContext context, int seed)
        {
            LossCase data = LossCase.Peaky(Rows, Columns, seed);
            _context = context;
            Logits = data.Student;
            _student = new(context, data.Student);
            _teacher = new(context, data.Teacher);
            _labels = new(context, data.Labels!);
            _gradient = new(context, data.Student.Length);
            _totals = new(context, 1);
            Launch = DistillationLoss.Bind(
                context,
                new DistillationInputs<float>
                {
                    Student = _student.Matrix(Rows, Columns),
                    Teacher = _teacher.Matrix(Rows, Columns),
                    Labels = _labels.View,
                },
                new DistillationOutputs<float> { Gradient = _gradient.Matrix(Rows, Columns), Totals = _totals.View },
                new DistillationOptions { Reduction = Reduction.Mean });
        }

        public float[] Logits { get; }

        public Launch Launch { get; }

        public LossTotals Totals => _totals.Read()[0];

        public LossTotals Run(float[] logits)
        {
            _student.Write(logits);
            Launch.Run(_context.Accelerator.DefaultStream);
            return Totals;
        }

        public void Clear() => _totals.Write([default(LossTotals)]);

        public void Dispose()
        {
            Launch.Dispose();
            _student.Dispose();
            _teacher.Dispose();
            _labels.Dispose();
            _gradient.Dispose();
            _totals.Dispose();
        }
    }
}

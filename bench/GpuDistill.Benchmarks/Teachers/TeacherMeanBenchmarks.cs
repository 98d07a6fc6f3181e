using GpuDistill.Benchmarks.Losses;
using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Teachers;

/// <summary>The second teacher's addition. Bytes: a logit read, the store read and written.</summary>
public class TeacherMeanBenchmarks : OperationBenchmarks
{
    private const string Geometric = "geometric";

    public override IEnumerable<Workload> Cases =>
        [.. LossShapes.Cases(bytesPerElement: 12, Geometric), .. LossShapes.Cases(bytesPerElement: 12, "arithmetic")];

    private protected override Launch Bind() => TeacherMean.BindAdd(
        Kernels,
        Matrix(Case.Rows, Case.Columns, 1, 8),
        Buffer([.. Enumerable.Range(0, Case.Rows)]),
        Matrix(Case.Rows, Case.Columns, 2, 8),
        new TeacherMeanOptions
        {
            Kind = Case.Mode == Geometric ? TeacherMeanKind.Geometric : TeacherMeanKind.Arithmetic,
            Teachers = 2,
            Temperature = 4,
        },
        teacher: 1);
}

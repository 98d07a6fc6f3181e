using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Tests.Readme;

/// <summary>The README's example of the fused loss on a user's own accelerator, as it stands there.</summary>
internal static class KernelSnippet
{
    public static (LossTotals Totals, float[] Gradient) Run(float[] studentLogits, float[] teacherLogits, int[] batchRows, int[] batchLabels)
    {
        // README
        using Context context = Context.Create(builder => builder.Default().EnableAlgorithms());
        using Accelerator accelerator = context.GetPreferredDevice(preferCPU: false).CreateAccelerator(context);
        using KernelContext kernels = new(accelerator);

        using var student = accelerator.Allocate1D(studentLogits);   // [128 x 10]
        using var teacher = accelerator.Allocate1D(teacherLogits);   // [60000 x 10], stays on the device
        using var rows = accelerator.Allocate1D(batchRows);          // [128], rows of the teacher's logits
        using var labels = accelerator.Allocate1D(batchLabels);      // [128], -100 where there is no label
        using var totals = accelerator.Allocate1D<LossTotals>(1);

        Matrix<float> logits = new(student.View, 128, 10);
        using Launch loss = DistillationLoss.Bind(
            kernels,
            new DistillationInputs<float>
            {
                Student = logits,
                Teacher = new Matrix<float>(teacher.View, 60_000, 10),
                TeacherRows = rows.View,
                Labels = labels.View,
            },
            new DistillationOutputs<float> { Gradient = logits, Totals = totals.View }, // overwrites the logits
            new DistillationOptions { Temperature = 4, SoftWeight = 0.9f, HardWeight = 0.1f });

        loss.Run(accelerator.DefaultStream);                         // as often as you like
        LossTotals batch = totals.GetAsArray1D()[0];
        batch.ThrowIfInvalid();                                      // a label out of range, NaN in a row, ...
        // README
        return (batch, student.GetAsArray1D());
    }
}

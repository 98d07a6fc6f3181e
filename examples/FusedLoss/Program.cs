using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

using Context context = Context.Create(builder => builder.Default().EnableAlgorithms());
using Accelerator accelerator = context.GetPreferredDevice(preferCPU: false).CreateAccelerator(context);
using KernelContext kernels = new(accelerator);

float[] Logits(int rows, float step) => [.. Enumerable.Range(0, rows * 10).Select(i => 5 * MathF.Sin(i * step))]; // yours go here
using var student = accelerator.Allocate1D(Logits(128, 0.7f));                        // [128 x 10], a batch
using var teacher = accelerator.Allocate1D(Logits(60_000, 0.3f));                     // [60000 x 10], stays on the device
using var rows = accelerator.Allocate1D<int>([.. Enumerable.Range(0, 128)]);          // [128], rows of the teacher's logits
using var labels = accelerator.Allocate1D<int>([.. Enumerable.Repeat(3, 127), -100]); // [128], -100: not known
using var gradient = accelerator.Allocate1D<float>(128 * 10);
using var totals = accelerator.Allocate1D<LossTotals>(1);
DistillationInputs<float> inputs = new()
{
    Student = new(student.View, 128, 10),
    Teacher = new(teacher.View, 60_000, 10),
    TeacherRows = rows.View,
    Labels = labels.View,
};
DistillationOutputs<float> outputs = new() { Gradient = new(gradient.View, 128, 10), Totals = totals.View };
DistillationOptions options = new() { Temperature = 4, SoftWeight = 0.9f, HardWeight = 0.1f };
using Launch loss = DistillationLoss.Bind(kernels, inputs, outputs, options);
loss.Run(accelerator.DefaultStream);         // as often as you like, on whatever is in the buffers by then
LossTotals batch = totals.GetAsArray1D()[0]; // loss 38.7895 (soft 42.4806, hard 5.56938, KL 8.66857), 14 of 127 labelled rows right, ...
batch.ThrowIfInvalid();                      // a label out of range, NaN in a row, ...
float[] slope = gradient.GetAsArray1D();     // [128 x 10], of batch.Total by the student's logits
Console.WriteLine($"{batch}; the gradient begins with {slope[0]:R}");

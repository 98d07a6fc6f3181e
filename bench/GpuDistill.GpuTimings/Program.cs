using System.Text.Json;
using GpuDistill.GpuTimings;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

// Times the distillation loss and matrix products on a CUDA device, after a check against the double-precision reference, and writes JSON:
//   GpuDistill.GpuTimings ours.json                 on the first CUDA device
//   GpuDistill.GpuTimings ours.json --dry-run       on the CPU, with few rows: checks this program, and measures nothing
if (args.Length == 0)
{
    Console.Error.WriteLine("Name the file to write.");
    return 2;
}

bool dry = args.Contains("--dry-run");
AcceleratorType type = dry ? AcceleratorType.CPU : AcceleratorType.Cuda;
using Context context = Context.Create(builder => KernelContext.Prepare(builder, type).Cuda().CPU(new CPUDevice(2, 1, 1)).Profiling());
if (!dry && context.GetCudaDevices().Count == 0)
{
    Console.Error.WriteLine("There is no CUDA device.");
    return 1;
}

using Accelerator accelerator = dry ? context.CreateCPUAccelerator(0) : context.CreateCudaAccelerator(0);
using KernelContext kernels = new(accelerator);
double copy = DeviceClock.CopyBandwidth(accelerator, dry ? 1 << 20 : 1 << 30);
Console.WriteLine($"{accelerator.Name}: copies {copy / 1e9:F0} GB/s, read and written");
List<Timing> timings = [];
foreach (LossWork work in LossWork.All)
{
    LossWork some = dry ? work with { Rows = Math.Max(2, 20_000 / work.Columns) } : work;
    timings.Add(LossTiming.Of<float>(kernels, some, "float32", value => value, value => value, copy));
    timings.Add(LossTiming.Of<BFloat16>(kernels, some, "bfloat16", value => (BFloat16)value, value => (float)value, copy));
}

// Without tensor cores products are timed exactly only; on the CPU they are exact, and small.
bool tensorCores = accelerator is CudaAccelerator { Architecture: var architecture } && architecture >= CudaArchitecture.SM_80;
foreach (MatrixPrecision precision in tensorCores ? Enum.GetValues<MatrixPrecision>() : [MatrixPrecision.Exact])
{
    using KernelContext products = new(accelerator, precision: precision);
    foreach ((int rows, int columns, int terms) in ((int, int, int)[])[(4096, 4096, 4096), (8192, 1200, 1200), (128, 800, 784)])
    {
        int scale = dry ? 32 : 1;
        foreach ((string, bool, bool) layout in ProductTiming.Layouts)
            timings.Add(ProductTiming.Of(products, rows / scale, columns / scale, terms / scale, layout, copy));
    }
}

foreach (Timing timing in timings)
{
    string more = timing.TeraFlops is { } flops
        ? $"{flops:F1} TFLOP/s"
        : $"{timing.RowsIncludedShare:P0} with labels and indices, {timing.UncachedShare:P0} if read twice";
    Console.WriteLine($"{timing.Work} {timing.Dtype}: {timing.OursUs:F1} us, {timing.ShareOfCopyBandwidth:P0} of the copy bandwidth, {more} ({timing.Variant})");
}

File.WriteAllText(args[0], JsonSerializer.Serialize(timings, Timing.Json));
return 0;

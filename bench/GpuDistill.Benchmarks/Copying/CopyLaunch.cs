using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Benchmarks.Copying;

/// <summary>A copy from buffer to buffer: on the CPU by all workers, on a GPU by its driver.</summary>
internal static class CopyLaunch
{
    public static Launch Bind(KernelContext context, ArrayView<float> source, ArrayView<float> target) =>
        context.Accelerator.AcceleratorType == AcceleratorType.CPU
            ? new Cpu(source, target, context) { Holds = (source, target) }
            : new Driver(source, target);

    private sealed unsafe class Cpu(ArrayView<float> source, ArrayView<float> target, KernelContext context)
        : CpuLaunch("Copy", VariantTable<int>.Supported(context)[0], context.Workers)
    {
        private const int Grain = 1024;

        private readonly float* _source = CpuPointer.Of(source);
        private readonly float* _target = CpuPointer.Of(target);
        private readonly long _length = source.Length;

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(_length, Grain);
            long bytes = (end - start) * sizeof(float);
            Buffer.MemoryCopy(_source + start, _target + start, bytes, bytes);
        }
    }

    private sealed class Driver(ArrayView<float> source, ArrayView<float> target) : Launch("Copy", KernelVariant.Portable)
    {
        private protected override void Submit(AcceleratorStream stream) => source.CopyTo(stream, target);
    }
}

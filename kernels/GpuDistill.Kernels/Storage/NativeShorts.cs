using ILGPU;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

// The types of 16 bits with the GPU's own conversions, where the integer arithmetic of the other storages takes some ten
// instructions for each element. The same values; of NaN, the same but for its payload.

/// <summary>bf16 in memory, for CUDA.</summary>
internal readonly struct NativeBFloat16Storage : IShortStorage
{
    public float Load(ArrayView<ushort> view, long index) => BFloat16Storage.Widen(view[index]);

    public void Store(ArrayView<ushort> view, long index, float value) => view[index] = (ushort)ToWord(value, 0);

    public float FromLow(uint word) => default(BFloat16Storage).FromLow(word);

    public float FromHigh(uint word) => default(BFloat16Storage).FromHigh(word);

    public uint ToWord(float low, float high) => ShortConversion.ToBFloat16(low, high);
}

/// <summary>fp16 in memory, for CUDA.</summary>
internal readonly struct NativeHalfStorage : IShortStorage
{
    public float Load(ArrayView<ushort> view, long index) => ShortConversion.FromHalf(view[index]);

    public void Store(ArrayView<ushort> view, long index, float value) => view[index] = (ushort)ToWord(value, 0);

    public float FromLow(uint word) => ShortConversion.FromHalf(word & 0xFFFF);

    public float FromHigh(uint word) => ShortConversion.FromHalf(word >> 16);

    public uint ToWord(float low, float high) => ShortConversion.ToHalf(low, high);
}

/// <summary>
/// Device code: conversions that are one instruction on CUDA. The C# bodies run on ILGPU's CPU accelerator, and
/// <see cref="PtxIntrinsics"/> has the instructions; OpenCL has neither.
/// </summary>
internal static class ShortConversion
{
    /// <summary>Rounds two numbers to bf16, ties to even, into the halves of a word.</summary>
    [IntrinsicImplementation]
    public static uint ToBFloat16(float low, float high) => default(BFloat16Storage).ToWord(low, high);

    /// <summary>Rounds two numbers to fp16, ties to even, into the halves of a word.</summary>
    [IntrinsicImplementation]
    public static uint ToHalf(float low, float high) => default(HalfStorage).ToWord(low, high);

    /// <summary>The value of 16 bits of fp16; the bits above are 0.</summary>
    [IntrinsicImplementation]
    public static float FromHalf(uint bits) => HalfStorage.Widen((ushort)bits);
}

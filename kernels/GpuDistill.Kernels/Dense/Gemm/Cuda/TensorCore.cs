using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.IR.Intrinsics;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: a warp's product on tensor cores, sums in single precision: PTX's mma.sync m16n8k8 in TF32 (8 bits of exponent, 10 of
/// mantissa) and m16n8k16 in bf16, of which a word of 32 bits holds two terms.
/// </summary>
/// <remarks>
/// The C# bodies run on ILGPU's CPU accelerator with warps of 32 lanes and hold the layout of the fragments as the PTX ISA has it
/// ("Matrix Fragments for mma.m16n8k8", "... m16n8k16"), in words of terms, with g = lane / 4 and t = lane % 4:
/// a0 (g, t), a1 (g + 8, t), a2 (g, t + 4), a3 (g + 8, t + 4); b0 (t, g), b1 (t + 4, g);
/// sums X (g, 2 t), Y (g, 2 t + 1), Z (g + 8, 2 t), W (g + 8, 2 t + 1).
/// <see cref="PtxIntrinsics"/> has the instructions.
/// </remarks>
internal static unsafe class TensorCore
{
    public const int WarpSize = 32;

    /// <summary>The oldest architecture whose tensor cores know TF32 and bf16; asynchronous copies came with them.</summary>
    public static CudaArchitecture Oldest => CudaArchitecture.SM_80;

    /// <summary>Words of terms that an instruction multiplies for each sum.</summary>
    public const int Words = 8;

    private const uint Exponent = 0x7F800000;
    private const int DroppedBits = 13;
    private const int Fragments = 6;

    // What the lanes of this lane's warp show each other: a lane is one thread of the CPU accelerator, and always in the same warp.
    [ThreadStatic]
    private static uint* _exchange;

    /// <summary>
    /// The TF32 number nearest to one in single precision, in the upper 19 bits; the others are 0. Ties go away from 0; from sm_90 on,
    /// to even.
    /// </summary>
    [IntrinsicImplementation]
    public static uint RoundToTf32(uint bits)
    {
        if (float.IsNaN(BitConverter.UInt32BitsToSingle(bits)))
            return bits | (Exponent + (1u << 22));
        return ((bits & Exponent) == Exponent ? bits : bits + (1u << (DroppedBits - 1))) >> DroppedBits << DroppedBits;
    }

    /// <summary>
    /// sums [16 x 8] + a [16 x 8] b [8 x 8], of which a lane holds what <see cref="TensorCore"/> says. All lanes of the warp must call it.
    /// </summary>
    [IntrinsicImplementation]
    public static Quad MultiplyAddTf32(Quad sums, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1) =>
        MultiplyAdd<Tf32Words>(sums, a0, a1, a2, a3, b0, b1);

    /// <summary>sums [16 x 8] + a [16 x 16] b [16 x 8], in bf16; else the same.</summary>
    [IntrinsicImplementation]
    public static Quad MultiplyAddBFloat16(Quad sums, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1) =>
        MultiplyAdd<BFloat16Words>(sums, a0, a1, a2, a3, b0, b1);

    /// <summary>
    /// Four matrices of 8 rows of 16 bytes (PTX's ldmatrix). Lane 8 m + r names row r of matrix m, and a lane gets word t of row g of
    /// each matrix. All lanes of the warp must call it.
    /// </summary>
    [IntrinsicImplementation]
    public static FragmentWords LoadMatrices(ref Quad row) => Load(ref row, static (rows, g, t) => ((uint*)rows[g])[t]);

    /// <summary>The same, transposed: elements of 16 bits in columns g of rows 2 t and, in the upper half, 2 t + 1 (ldmatrix.trans).</summary>
    [IntrinsicImplementation]
    public static FragmentWords LoadTransposedMatrices(ref Quad row) => Load(
        ref row, static (rows, g, t) => ((ushort*)rows[2 * t])[g] | ((uint)((ushort*)rows[(2 * t) + 1])[g] << 16));

    private static Quad MultiplyAdd<TWords>(Quad sums, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
        where TWords : IWords
    {
        uint* all = Exchange();
        uint* own = all + (Warp.LaneIdx * Fragments);
        (own[0], own[1], own[2], own[3], own[4], own[5]) = (a0, a1, a2, a3, b0, b1);
        Warp.Barrier();
        (int g, int t) = (Warp.LaneIdx / 4, Warp.LaneIdx % 4);
        Quad result = new()
        {
            X = Sum<TWords>(all, sums.X, g, 2 * t),
            Y = Sum<TWords>(all, sums.Y, g, (2 * t) + 1),
            Z = Sum<TWords>(all, sums.Z, g + 8, 2 * t),
            W = Sum<TWords>(all, sums.W, g + 8, (2 * t) + 1),
        };
        Warp.Barrier(); // the fragments are read; the next call may write its own
        return result;
    }

    private static FragmentWords Load(ref Quad row, WordOf wordOf)
    {
        nint* all = (nint*)Exchange();
        int lane = Warp.LaneIdx;
        all[lane] = (nint)Unsafe.AsPointer(ref row);
        Warp.Barrier();
        (int g, int t) = (lane / 4, lane % 4);
        FragmentWords result = new()
        {
            X = wordOf(all, g, t),
            Y = wordOf(all + 8, g, t),
            Z = wordOf(all + 16, g, t),
            W = wordOf(all + 24, g, t),
        };
        Warp.Barrier(); // the rows are read; the next call may write its own
        return result;
    }

    private static float Sum<TWords>(uint* all, float sum, int row, int column)
        where TWords : IWords
    {
        for (int word = 0; word < Words; word++)
        {
            uint a = all[(((row % 8 * 4) + (word % 4)) * Fragments) + (word / 4 * 2) + (row / 8)];
            uint b = all[(((column * 4) + (word % 4)) * Fragments) + 4 + (word / 4)];
            sum = TWords.MultiplyAdd(sum, a, b);
        }

        return sum;
    }

    // Lane 0 allocates, once for each warp that the accelerator will ever have.
    private static uint* Exchange()
    {
        if (_exchange is null)
        {
            long mine = Warp.LaneIdx == 0 ? (long)NativeMemory.Alloc(WarpSize * Fragments, sizeof(uint)) : 0;
            _exchange = (uint*)Warp.Shuffle(mine, 0);
        }

        return _exchange;
    }

    private delegate uint WordOf(nint* rows, int g, int t);

    private interface IWords
    {
        static abstract float MultiplyAdd(float sum, uint a, uint b);
    }

    private struct Tf32Words : IWords
    {
        public static float MultiplyAdd(float sum, uint a, uint b) =>
            sum + (BitConverter.UInt32BitsToSingle(a) * BitConverter.UInt32BitsToSingle(b));
    }

    private struct BFloat16Words : IWords
    {
        public static float MultiplyAdd(float sum, uint a, uint b) =>
            Tf32Words.MultiplyAdd(Tf32Words.MultiplyAdd(sum, a << 16, b << 16), a & 0xFFFF0000, b & 0xFFFF0000);
    }
}

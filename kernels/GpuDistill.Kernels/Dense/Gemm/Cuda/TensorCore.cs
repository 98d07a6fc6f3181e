using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: a warp's product on tensor cores (PTX's mma.sync m16n8k8 in TF32: 8 bits of exponent, 10 of mantissa, sums in
/// single precision).
/// </summary>
/// <remarks>
/// The C# bodies run on ILGPU's CPU accelerator with warps of 32 lanes and hold the layout of the fragments as the PTX ISA has it
/// ("Matrix Fragments for mma.m16n8k8"), with g = lane / 4 and t = lane % 4:
/// a0 (g, t), a1 (g + 8, t), a2 (g, t + 4), a3 (g + 8, t + 4); b0 (t, g), b1 (t + 4, g);
/// sums X (g, 2 t), Y (g, 2 t + 1), Z (g + 8, 2 t), W (g + 8, 2 t + 1).
/// <see cref="PtxIntrinsics"/> has the instructions.
/// </remarks>
internal static unsafe class TensorCore
{
    public const int WarpSize = 32;

    /// <summary>Products that an instruction adds to a sum.</summary>
    public const int Terms = 8;

    private const uint Exponent = 0x7F800000;
    private const int DroppedBits = 13;
    private const int Fragments = 6;

    // What the lanes of this lane's warp show each other: a lane is one thread of the CPU accelerator, and always in the same warp.
    [ThreadStatic]
    private static uint* _exchange;

    /// <summary>The nearest TF32 number in the upper 19 bits; the others are 0. Ties go away from 0; from sm_90 on, to even.</summary>
    [IntrinsicImplementation]
    public static uint Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return bits | (Exponent + (1u << 22));
        return ((bits & Exponent) == Exponent ? bits : bits + (1u << (DroppedBits - 1))) >> DroppedBits << DroppedBits;
    }

    /// <summary>
    /// sums [16 x 8] + a [16 x 8] b [8 x 8], of which a lane holds what <see cref="TensorCore"/> says. All lanes of the warp must call it.
    /// </summary>
    [IntrinsicImplementation]
    public static Quad MultiplyAdd(Quad sums, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1)
    {
        int lane = Warp.LaneIdx;
        uint* all = Exchange();
        uint* own = all + (lane * Fragments);
        (own[0], own[1], own[2], own[3], own[4], own[5]) = (a0, a1, a2, a3, b0, b1);
        Warp.Barrier();
        (int g, int t) = (lane / 4, lane % 4);
        Quad result = new()
        {
            X = Sum(all, sums.X, g, 2 * t),
            Y = Sum(all, sums.Y, g, (2 * t) + 1),
            Z = Sum(all, sums.Z, g + 8, 2 * t),
            W = Sum(all, sums.W, g + 8, (2 * t) + 1),
        };
        Warp.Barrier(); // the fragments are read; the next call may write its own
        return result;
    }

    /// <summary>
    /// Four matrices of 8 rows of 16 bytes (PTX's ldmatrix). Lane 8 m + r names row r of matrix m, and a lane gets float t of row g of
    /// each matrix. All lanes of the warp must call it.
    /// </summary>
    [IntrinsicImplementation]
    public static Quad LoadMatrices(ref Quad row)
    {
        nint* all = (nint*)Exchange();
        int lane = Warp.LaneIdx;
        all[lane] = (nint)Unsafe.AsPointer(ref row);
        Warp.Barrier();
        int g = lane / 4;
        int t = lane % 4;
        Quad result = new()
        {
            X = ((float*)all[g])[t],
            Y = ((float*)all[8 + g])[t],
            Z = ((float*)all[16 + g])[t],
            W = ((float*)all[24 + g])[t],
        };
        Warp.Barrier(); // the rows are read; the next call may write its own
        return result;
    }

    private static float Sum(uint* all, float sum, int row, int column)
    {
        for (int term = 0; term < Terms; term++)
        {
            uint a = all[(((row % 8 * 4) + (term % 4)) * Fragments) + (term / 4 * 2) + (row / 8)];
            uint b = all[(((column * 4) + (term % 4)) * Fragments) + 4 + (term / 4)];
            sum += BitConverter.UInt32BitsToSingle(a) * BitConverter.UInt32BitsToSingle(b);
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
}

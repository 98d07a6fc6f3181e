namespace GpuDistill.Kernels;

/// <summary>
/// Where a slab's elements stand in shared memory: the student's rows, then the teacher's, each as in global memory. Only rows of an
/// even number of whole quads are padded by one more, so that the quads that neighbouring threads read of neighbouring rows are in
/// different banks; rows of other lengths are so by themselves. A device struct.
/// </summary>
internal struct SlabLayout
{
    /// <summary>Threads of a group: few, so that some groups load or store while others compute.</summary>
    public const int GroupSize = 128;

    /// <summary>Elements of the largest slab of one of both: 64 rows of 24 elements and a quad.</summary>
    public const int MostFloats = GroupSize / 2 * 28;

    /// <summary>Elements from one row to the next.</summary>
    public int Pitch;

    /// <summary>2^32 by the quads of a row, rounded up, where rows are padded: a division by them is a multiplication. Else 0.</summary>
    public uint PaddedRowsPerQuad;

    /// <summary>1 where slabs begin at multiples of 16 bytes in global memory.</summary>
    public int IsAligned;

    public static SlabLayout Of(int columns, bool isAligned)
    {
        int quads = columns / Quad.Length;
        bool padded = columns % (2 * Quad.Length) == 0;
        return new SlabLayout
        {
            Pitch = padded ? columns + Quad.Length : columns,
            PaddedRowsPerQuad = padded ? (uint)(((1L << 32) + quads - 1) / quads) : 0,
            IsAligned = isAligned ? 1 : 0,
        };
    }

    /// <summary>The place of a padded row's quad, among quads.</summary>
    public readonly int PlaceOfQuad(int quad) => quad + (int)(((ulong)(uint)quad * PaddedRowsPerQuad) >> 32);
}

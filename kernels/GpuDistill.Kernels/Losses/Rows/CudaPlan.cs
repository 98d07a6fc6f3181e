namespace GpuDistill.Kernels;

/// <summary>
/// How the CUDA variant shares out rows of one length. What a row costs beside its elements (its losses, reductions, look-ups) is paid
/// by every thread that works on it, so a thread gets as many elements as its registers hold before a row gets more threads. A row of one
/// part fills more than half of its team's registers: half as many would have done else.
/// </summary>
/// <param name="Team">Threads per row or, of a row in parts, per part: a power of two.</param>
/// <param name="Quads">Quads of four elements that a thread keeps in registers; 0 in slabs, where it is always the same.</param>
/// <param name="Parts">Parts of a row, each the work of a whole group; 1 where a team has the row.</param>
/// <param name="PartColumns">Columns of a part; the last part may have fewer.</param>
internal readonly record struct CudaPlan(int Team, int Quads, int Parts, int PartColumns)
{
    /// <summary>Rows of up to so many elements go through shared memory in slabs.</summary>
    public const int MostSlabColumns = 40;

    /// <summary>Elements of a slab's row that a thread has at most.</summary>
    public const int SlabColumnsPerThread = 10;

    // Kept quads of student and teacher are 8 registers; with 8 a thread takes up to 128 of them in all, and two groups of 256 share a
    // multiprocessor. Single elements take more registers for their addresses and tests.
    private const int FewQuads = 4;
    private const int ManyQuads = 8;

    public bool IsSlab => Quads == 0;

    /// <summary>The plan for rows of so many elements, read quad by quad (<paramref name="whole"/>) or one by one.</summary>
    public static CudaPlan Of(int columns, bool whole, int slabGroupSize, int groupSize, int warpSize)
    {
        int slabTeam = 1;
        while (slabTeam * SlabColumnsPerThread < columns)
            slabTeam *= 2;
        if (columns <= MostSlabColumns && slabTeam <= Math.Min(slabGroupSize, warpSize))
            return new CudaPlan(slabTeam, 0, 1, columns);

        int needed = (columns + Quad.Length - 1) / Quad.Length;
        int team = 1;
        while (team < Math.Min(groupSize, warpSize) && team * FewQuads < needed)
            team *= 2;
        int quads = whole && team * FewQuads < needed ? ManyQuads : FewQuads;
        while (team < groupSize && team * quads < needed)
            team *= 2;
        if (team * quads >= needed)
            return new CudaPlan(team, quads, 1, columns);

        // Parts of nearly the same length, a whole number of quads per thread.
        int parts = (needed - 1) / (team * quads) + 1;
        int quadsPerThread = ((needed - 1) / parts / team) + 1;
        int partQuads = quadsPerThread * team;
        return new CudaPlan(team, quads, ((needed - 1) / partQuads) + 1, partQuads * Quad.Length);
    }
}

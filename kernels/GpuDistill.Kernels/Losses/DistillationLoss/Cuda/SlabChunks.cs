using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// How a group copies a slab between global and shared memory: 16 bytes at a time, each thread every so many as the group has threads.
/// What a thread copies is on its way before the first of it is waited for. A device struct.
/// </summary>
internal struct SlabChunks
{
    /// <summary>Bytes of a chunk.</summary>
    public const int Size = 16;

    /// <summary>Chunks of the largest slab.</summary>
    public const int MostPerSlab = SlabRow.MostPerSlab * sizeof(float) / Size;

    /// <summary>A slab in shared memory.</summary>
    public ArrayView<Chunk> Student, Teacher;

    /// <summary>Chunks of a slab and threads of a group.</summary>
    public int Count, GroupSize;

    /// <summary>Whether the teacher's logits are copied too.</summary>
    public bool Both;

    /// <summary>Elements of a chunk.</summary>
    public static int Length<T>()
        where T : unmanaged =>
        Size / Interop.SizeOf<T>();

    /// <summary>Copies to shared memory what begins at a chunk of global memory.</summary>
    public readonly void Load<T>(ArrayView<T> student, ArrayView<T> teacher, int firstChunk)
        where T : unmanaged
    {
        ArrayView<Chunk> from = student.Cast<Chunk>();
        ArrayView<Chunk> teacherFrom = teacher.Cast<Chunk>();
        long place = (uint)(firstChunk + Group.IdxX);
        if (Group.IdxX >= Count)
            return;
        ChunkPair first = Load(from, teacherFrom, place);
        if (Group.IdxX + GroupSize < Count)
        {
            ChunkPair second = Load(from, teacherFrom, place + GroupSize);
            if (HasThree<T>() && Group.IdxX + (2 * GroupSize) < Count)
                Put(Load(from, teacherFrom, place + (2 * GroupSize)), Group.IdxX + (2 * GroupSize));
            Put(second, Group.IdxX + GroupSize);
        }

        Put(first, Group.IdxX);
    }

    /// <summary>Copies what has come in the student's place to where global memory has its chunks.</summary>
    public readonly void Store<T>(ArrayView<T> view, int firstChunk)
        where T : unmanaged
    {
        ArrayView<Chunk> to = view.Cast<Chunk>();
        long place = (uint)(firstChunk + Group.IdxX);
        if (Group.IdxX < Count)
            to[place] = Student[Group.IdxX];
        if (Group.IdxX + GroupSize < Count)
            to[place + GroupSize] = Student[Group.IdxX + GroupSize];
        if (HasThree<T>() && Group.IdxX + (2 * GroupSize) < Count)
            to[place + (2 * GroupSize)] = Student[Group.IdxX + (2 * GroupSize)];
    }

    // A slab has at most ten elements per thread.
    private static bool HasThree<T>()
        where T : unmanaged =>
        SlabRow.Length * Interop.SizeOf<T>() > 2 * Size;

    private readonly ChunkPair Load(ArrayView<Chunk> student, ArrayView<Chunk> teacher, long place)
    {
        ChunkPair pair = default;
        pair.Student = student[place];
        if (Both)
            pair.Teacher = teacher[place];
        return pair;
    }

    private readonly void Put(ChunkPair pair, int place)
    {
        Student[place] = pair.Student;
        if (Both)
            Teacher[place] = pair.Teacher;
    }

    /// <summary>16 bytes, which nothing computes with.</summary>
    internal struct Chunk
    {
        public uint X, Y, Z, W;
    }

    private struct ChunkPair
    {
        public Chunk Student, Teacher;
    }
}

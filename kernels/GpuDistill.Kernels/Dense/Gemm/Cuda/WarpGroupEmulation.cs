using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// What a thread of the CPU accelerator has of its warpgroup's products. An operand is found by its descriptor alone, in the layouts that
/// CUTLASS calls canonical (<c>cute/atom/mma_traits_sm90_gmma.hpp</c>, "make_gmma_desc"; PTX ISA, "Shared Memory Matrix Layout"), which
/// are written down here a second time. The sums are NaN once a rule is broken that hardware would answer with anything: operands that
/// change before the wait, a descriptor that differs in a warp, that reaches beyond the group's memory or has a mode that is not known
/// here, products without <see cref="WarpGroup.Open"/>, sums taken while products are under way.
/// </summary>
internal sealed unsafe class WarpGroupEmulation
{
    // Where the group's memory begins for descriptors: not where a block of lines may begin, so that nobody takes that for granted.
    private const uint WindowStart = 1040;

    private const int LineRows = 64;
    private const ushort NotANumber = 0x7FC0;

    [ThreadStatic]
    private static WarpGroupEmulation? _own;

    private readonly float[] _sums = new float[WarpGroup.ThreadSums];
    private readonly Queue<List<Product>> _groups = [];
    private List<Product> _started = [];
    private bool _isOpen;
    private byte* _memory;
    private int _bytes;

    /// <summary>This thread's.</summary>
    public static WarpGroupEmulation Own => _own ??= new WarpGroupEmulation();

    private Span<byte> Memory => new(_memory, _bytes);

    public uint Begin(ref Quad memory, int bytes)
    {
        _memory = (byte*)Unsafe.AsPointer(ref memory);
        _bytes = bytes;
        Array.Clear(_sums);
        _groups.Clear();
        _started = [];
        _isOpen = false;
        return WindowStart;
    }

    public void Open() => _isOpen = true;

    public void MultiplyAdd(Operand left, Operand right)
    {
        bool uniform = (Warp.Shuffle((long)left.Descriptor, 0) == (long)left.Descriptor)
            & (Warp.Shuffle((long)right.Descriptor, 0) == (long)right.Descriptor);
        if (!uniform || !_isOpen)
            Spoil();
        _started.Add(new Product(left, right, Read(left, right)));
    }

    public void Commit()
    {
        _groups.Enqueue(_started);
        _started = [];
        _isOpen = false;
    }

    public void Wait(int newest)
    {
        while (_groups.Count > newest)
        {
            foreach (Product product in _groups.Dequeue())
                Add(product);
        }
    }

    public void StoreSums(ReadOnlySpan<uint> addresses)
    {
        if (_groups.Count + _started.Count > 0)
            Spoil();
        for (int i = 0; i < _sums.Length; i++)
        {
            // Of four sums two are in row g, two in row g + 8.
            int eight = i / 4;
            uint bytes = ((uint)(eight / 4) * 128) + ((uint)(i / 2 % 2) * 8 * 1024) + ((uint)(i % 2) * sizeof(float));
            MemoryMarshal.Write(Memory[(int)(addresses[eight % 4] - WindowStart + bytes)..], _sums[i]);
        }
    }

    private void Add(Product product)
    {
        ushort[] values = Read(product.Left, product.Right);
        if (!values.AsSpan().SequenceEqual(product.AtStart))
            Spoil();
        for (int i = 0; i < _sums.Length; i++)
        {
            int row = i / 2 % 2 * WarpGroup.Terms;
            int column = (2 + (i / 4 * 2) + (i % 2)) * WarpGroup.Terms;
            for (int term = 0; term < WarpGroup.Terms; term++)
                _sums[i] += Widen(values[row + term]) * Widen(values[column + term]);
        }
    }

    private void Spoil() => Array.Fill(_sums, float.NaN);

    // The terms of this thread's two rows and then of its 64 columns.
    private ushort[] Read(Operand left, Operand right)
    {
        int thread = Group.IdxX % WarpGroup.Threads;
        (int g, int t) = (thread % 32 / 4, thread % 4);
        ushort[] values = new ushort[(2 + (WarpGroup.Columns / 4)) * WarpGroup.Terms];
        for (int i = 0; i < values.Length; i++)
        {
            (int line, int term) = (i / WarpGroup.Terms, i % WarpGroup.Terms);
            uint address = line < 2
                ? left.AddressOf((thread / 32 * 16) + g + (8 * line), term)
                : right.AddressOf(((line - 2) / 2 * 8) + (2 * t) + (line % 2), term);
            int offset = (int)address - (int)WindowStart;
            values[i] = offset >= 0 && offset < _bytes - 1 ? MemoryMarshal.Read<ushort>(Memory[offset..]) : NotANumber;
        }

        return values;
    }

    private static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>An operand as the instruction is told of it.</summary>
    public readonly record struct Operand(ulong Descriptor, bool Across)
    {
        // Bits 0 to 13, 16 to 29 and 32 to 45 in units of 16 bytes, and the mode in 62 and 63; all others are to be 0.
        private const ulong Unused = ~(0x3FFFul | (0x3FFFul << 16) | (0x3FFFul << 32) | (3ul << 62));

        /// <summary>Where an element is, or where nothing is.</summary>
        public uint AddressOf(int row, int term)
        {
            if ((Descriptor & Unused) != 0 || Descriptor >> 62 != 1)
                return 0;
            uint start = Field(0), leading = Field(16), stride = Field(32);
            uint address = Across
                ? start + ((uint)(row % LineRows) * 2) + ((uint)(row / LineRows) * leading) + ((uint)(term % 8) * 128) + ((uint)(term / 8) * stride)
                : start + ((uint)(row % 8) * 128) + ((uint)(row / 8) * stride) + ((uint)term * 2);
            return address ^ ((address >> 3) & 0x70);
        }

        private uint Field(int bit) => ((uint)(Descriptor >> bit) & 0x3FFF) << 4;
    }

    private sealed record Product(Operand Left, Operand Right, ushort[] AtStart);
}

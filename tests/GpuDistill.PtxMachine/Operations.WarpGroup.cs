using System.Buffers.Binary;

namespace GpuDistill.PtxMachine;

// wgmma of bf16 with both operands in shared memory, a warp's part at a time: rows 16 (warp % 4) and on of the 64.
internal static partial class Operations
{
    private const int WarpRows = 16;
    private const int GroupTerms = 16;

    private static Operation? WarpGroup(Program program, Statement statement, string[] name)
    {
        switch (name[0], name.ElementAtOrDefault(1))
        {
            case ("fence", "proxy") when statement.Name == "fence.proxy.async.shared::cta":
                return EachLane((warp, lane) => warp.ProxyFences[lane]++);
            case ("wgmma", "fence"):
                return (warp, _) => warp.Products.Open();
            case ("wgmma", "commit_group"):
                return (warp, _) => warp.Products.Commit();
            case ("wgmma", "wait_group"):
                int newest = program.Register(statement.Operands[0]);
                return (warp, _) => warp.Products.WaitForAllBut((int)warp.Registers[newest]);
            case ("wgmma", "mma_async") when name[4].StartsWith("m64n", StringComparison.Ordinal) && statement.Name.EndsWith("k16.f32.bf16.bf16", StringComparison.Ordinal):
                return StartProduct(program, statement);
            default:
                return null;
        }
    }

    private static Operation StartProduct(Program program, Statement statement)
    {
        int[] d = program.Registers(statement.Operands[0]);
        int[] rest = [.. statement.Operands.Skip(1).Select(program.Register)];
        int columns = d.Length * Warp.Size / WarpRows;
        return (warp, _) =>
        {
            ulong[] r = warp.Registers;
            foreach (int register in rest)
                RequireOneForAll(r, register);
            ulong left = r[rest[0]];
            ulong right = r[rest[1]];
            (bool adds, int signLeft, int signRight, bool acrossLeft, bool acrossRight) =
                (r[rest[2]] != 0, (int)r[rest[3]], (int)r[rest[4]], r[rest[5]] != 0, r[rest[6]] != 0);
            if (signLeft != 1 || signRight != 1)
                throw new NotSupportedException("A product with a negated operand.");
            warp.Products.Start(new Product(d, adds, new Panel(warp, left, acrossLeft), new Panel(warp, right, acrossRight), columns));
        };
    }

    // Descriptors and flags are those of all lanes.
    private static void RequireOneForAll(ulong[] registers, int register)
    {
        if (registers.AsSpan(register, Warp.Size).ContainsAnyExcept(registers[register]))
            throw new PtxFault("the lanes differ in an operand that must be one for all");
    }

    /// <summary>
    /// An operand as its descriptor has it: start, leading and stride offsets in 16 bytes, and how quads are exchanged. Of the canonical
    /// layouts the one with lines of 128 bytes.
    /// </summary>
    internal readonly struct Panel(Warp warp, ulong descriptor, bool isAcross)
    {
        private readonly ulong _start = (descriptor & 0x3FFF) << 4;
        private readonly ulong _leading = ((descriptor >> 16) & 0x3FFF) << 4;
        private readonly ulong _stride = ((descriptor >> 32) & 0x3FFF) << 4;
        private readonly ulong _form = descriptor >> 49;

        /// <summary>The numbers of some lines, that is rows of a or columns of b, all their terms.</summary>
        public float[,] Read(int firstLine, int lines)
        {
            if (_form != 1ul << 13) // no base offset, lines of 128 bytes
                throw new NotSupportedException($"A descriptor of the form {_form:X}.");
            var numbers = new float[lines, GroupTerms];
            for (int line = 0; line < lines; line++)
            {
                for (int term = 0; term < GroupTerms; term++)
                {
                    ulong address = Exchanged(_start + Offset((ulong)(firstLine + line), (ulong)term));
                    ushort bits = BinaryPrimitives.ReadUInt16LittleEndian(warp.Group.Shared.ReadByProxy(warp, address, sizeof(ushort)));
                    numbers[line, term] = Float((ulong)bits << 16);
                }
            }

            return numbers;
        }

        // Along terms: ((8, m), (8, 2)) : ((128 bytes, stride), (2 bytes, 16 bytes)). Across: ((8, 8, m), (8, k)) : ((2 bytes, 16 bytes,
        // leading), (128 bytes, stride)).
        private ulong Offset(ulong line, ulong term) => isAcross
            ? (line % 64 * 2) + (line / 64 * _leading) + (term % 8 * 128) + (term / 8 * _stride)
            : (line % 8 * 128) + (line / 8 * _stride) + (term * 2);

        // The number of a quad in its line is exchanged by that of the line among eight.
        private static ulong Exchanged(ulong address) => address ^ ((address >> 3) & 0x70);
    }

    /// <summary>A product that is under way.</summary>
    internal sealed class Product(int[] sums, bool adds, Panel left, Panel right, int columns)
    {
        private float[,]? _left, _right;

        public void Read(Warp warp)
        {
            (float[,] l, float[,] r) = (left.Read(warp.Index % 4 * WarpRows, WarpRows), right.Read(0, columns));
            if (_left is not null && !(Same(_left, l) && Same(_right!, r)))
                throw new PtxFault("an operand was written while the product was under way");
            (_left, _right) = (l, r);
        }

        // Sum i of a lane is in row lane / 4, or 8 further down, and in column 8 (i / 4) + 2 (lane % 4), or the next.
        public void Finish(Warp warp)
        {
            Read(warp);
            for (int lane = 0; lane < Warp.Size; lane++)
            {
                for (int i = 0; i < sums.Length; i++)
                {
                    int row = (lane / 4) + (i / 2 % 2 * 8);
                    int column = (i / 4 * 8) + (lane % 4 * 2) + (i % 2);
                    double sum = adds ? Float(warp.Registers[sums[i] + lane]) : 0;
                    for (int term = 0; term < GroupTerms; term++)
                        sum += (double)_left![row, term] * _right![column, term];
                    warp.Registers[sums[i] + lane] = Bits((float)sum);
                }
            }
        }

        private static bool Same(float[,] a, float[,] b) => a.Cast<float>().SequenceEqual(b.Cast<float>());
    }
}

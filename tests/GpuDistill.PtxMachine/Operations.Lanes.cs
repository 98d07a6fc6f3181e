using System.Buffers.Binary;

namespace GpuDistill.PtxMachine;

internal static partial class Operations
{
    // What lanes of a warp do together.
    private static Operation? Lanes(Program program, Statement statement, string[] name) => name[0] switch
    {
        "shfl" when name[2] == "bfly" => Butterfly(program, statement),
        "bar" when name[1] == "warp" => (warp, _) => warp.Epoch++,
        "ldmatrix" => LoadMatrices(program, statement, name.Contains("trans")),
        _ => null,
    };

    private static Operation Butterfly(Program program, Statement statement)
    {
        int d = program.Register(statement.Operands[0]);
        int a = program.Register(statement.Operands[1]);
        int b = program.Register(statement.Operands[2]);
        int c = program.Register(statement.Operands[3]);
        return (warp, _) =>
        {
            ulong[] r = warp.Registers;
            Span<ulong> given = stackalloc ulong[Warp.Size];
            r.AsSpan(a, Warp.Size).CopyTo(given);
            for (int lane = 0; lane < Warp.Size; lane++)
            {
                int segment = (int)(r[c + lane] >> 8) & 31;
                int last = (lane & segment) | ((int)r[c + lane] & ~segment & 31);
                int other = lane ^ ((int)r[b + lane] & 31);
                r[d + lane] = given[other <= last ? other : lane];
            }
        };
    }

    // Four matrices of 8 x 8 numbers of 16 bits: lanes 0 to 7 have the addresses of the first one's rows, and so on. A lane gets two
    // neighbours of a row, or of a column where the matrices are transposed.
    private static Operation LoadMatrices(Program program, Statement statement, bool isTransposed)
    {
        const int Side = 8;
        int[] targets = program.Registers(statement.Operands[0]);
        (int register, long offset) = program.Address(statement.Operands[1]);
        return (warp, _) =>
        {
            for (int matrix = 0; matrix < targets.Length; matrix++)
            {
                ushort[,] numbers = new ushort[Side, Side];
                for (int row = 0; row < Side; row++)
                {
                    int lane = (matrix * Side) + row;
                    ReadOnlySpan<byte> memory = warp.Group.Shared.Read(warp, lane, warp.Registers[register + lane] + (ulong)offset, 16);
                    for (int column = 0; column < Side; column++)
                        numbers[row, column] = BinaryPrimitives.ReadUInt16LittleEndian(memory[(2 * column)..]);
                }

                for (int lane = 0; lane < Warp.Size; lane++)
                {
                    int line = lane / 4;
                    int first = lane % 4 * 2;
                    (uint low, uint high) = isTransposed
                        ? (numbers[first, line], numbers[first + 1, line])
                        : (numbers[line, first], (uint)numbers[line, first + 1]);
                    warp.Registers[targets[matrix] + lane] = low | (high << 16);
                }
            }
        };
    }
}

namespace GpuDistill.PtxMachine;

internal static partial class Operations
{
    private const int Rows = 16;
    private const int Columns = 8;

    private static Operation? Tensor(Program program, Statement statement) => statement.Name switch
    {
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" => MultiplyAdd(program, statement, 8, TakesTf32),
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" => MultiplyAdd(program, statement, 16, TakesBFloat16),
        _ => null,
    };

    private delegate void Take(Span<float> terms, ulong word, int line, int lane, int half, int stride);

    // d[16 x 8] = a[16 x k] b[k x 8] + c. A lane has rows lane / 4 and 8 more of a, c and d, column lane / 4 of b; of terms its
    // lane % 4 th word, and the one four words on; and columns 2 (lane % 4) and the next of c and d.
    private static Operation MultiplyAdd(Program program, Statement statement, int terms, Take take)
    {
        int[] d = program.Registers(statement.Operands[0]);
        int[] a = program.Registers(statement.Operands[1]);
        int[] b = program.Registers(statement.Operands[2]);
        int[] c = program.Registers(statement.Operands[3]);
        return (warp, _) =>
        {
            ulong[] r = warp.Registers;
            Span<float> left = stackalloc float[Rows * terms];
            Span<float> right = stackalloc float[Columns * terms];
            for (int lane = 0; lane < Warp.Size; lane++)
            {
                int line = lane / 4;
                take(left, r[a[0] + lane], line, lane, 0, terms);
                take(left, r[a[1] + lane], line + 8, lane, 0, terms);
                take(left, r[a[2] + lane], line, lane, 1, terms);
                take(left, r[a[3] + lane], line + 8, lane, 1, terms);
                take(right, r[b[0] + lane], line, lane, 0, terms);
                take(right, r[b[1] + lane], line, lane, 1, terms);
            }

            for (int lane = 0; lane < Warp.Size; lane++)
            {
                for (int i = 0; i < d.Length; i++)
                {
                    int row = (lane / 4) + (i / 2 * 8);
                    int column = (lane % 4 * 2) + (i % 2);
                    double sum = Float(r[c[i] + lane]);
                    for (int term = 0; term < terms; term++)
                        sum += (double)left[(row * terms) + term] * right[(column * terms) + term];
                    r[d[i] + lane] = Bits((float)sum);
                }
            }
        };
    }

    // A word is a term, of which the last 13 bits count for nothing.
    private static void TakesTf32(Span<float> terms, ulong word, int line, int lane, int half, int stride) =>
        terms[(line * stride) + (lane % 4) + (4 * half)] = Float(word & 0xFFFFE000);

    // A word is two terms, the lower half first.
    private static void TakesBFloat16(Span<float> terms, ulong word, int line, int lane, int half, int stride)
    {
        int first = (line * stride) + (lane % 4 * 2) + (8 * half);
        terms[first] = Float((word & 0xFFFF) << 16);
        terms[first + 1] = Float(word & 0xFFFF0000);
    }
}

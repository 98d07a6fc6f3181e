using System.Numerics;

namespace GpuDistill.PtxMachine;

/// <summary>
/// Makes instructions executable. Written from the PTX ISA's manual alone, not from what the library's own methods do on the CPU, so that
/// the two check each other.
/// </summary>
internal static partial class Operations
{
    private delegate ulong One(ulong a);

    private delegate ulong Two(ulong a, ulong b);

    private delegate ulong Three(ulong a, ulong b, ulong c);

    public static Operation Of(Program program, Statement statement)
    {
        string[] name = statement.Name.Split('.');
        return Memory(program, statement, name)
            ?? Lanes(program, statement, name)
            ?? Tensor(program, statement)
            ?? WarpGroup(program, statement, name)
            ?? Conversion(program, statement, name)
            ?? Arithmetic(program, statement, name)
            ?? throw new NotSupportedException($"The instruction '{statement}' is not known to the PTX machine.");
    }

    private static Operation Map(Program program, Statement statement, One f)
    {
        int d = program.Register(statement.Operands[0]);
        int a = program.Register(statement.Operands[1]);
        return (warp, lanes) =>
        {
            ulong[] r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                int lane = BitOperations.TrailingZeroCount(lanes);
                r[d + lane] = f(r[a + lane]);
            }
        };
    }

    private static Operation Map(Program program, Statement statement, Two f)
    {
        int d = program.Register(statement.Operands[0]);
        int a = program.Register(statement.Operands[1]);
        int b = program.Register(statement.Operands[2]);
        return (warp, lanes) =>
        {
            ulong[] r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                int lane = BitOperations.TrailingZeroCount(lanes);
                r[d + lane] = f(r[a + lane], r[b + lane]);
            }
        };
    }

    private static Operation Map(Program program, Statement statement, Three f)
    {
        int d = program.Register(statement.Operands[0]);
        int a = program.Register(statement.Operands[1]);
        int b = program.Register(statement.Operands[2]);
        int c = program.Register(statement.Operands[3]);
        return (warp, lanes) =>
        {
            ulong[] r = warp.Registers;
            for (; lanes != 0; lanes &= lanes - 1)
            {
                int lane = BitOperations.TrailingZeroCount(lanes);
                r[d + lane] = f(r[a + lane], r[b + lane], r[c + lane]);
            }
        };
    }

    private static Operation EachLane(Action<Warp, int> action) => (warp, lanes) =>
    {
        for (; lanes != 0; lanes &= lanes - 1)
            action(warp, BitOperations.TrailingZeroCount(lanes));
    };

    private static float Float(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    private static ulong Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    private static ulong Bits(bool value) => value ? 1u : 0u;

    // Numbers below 2^-126 as "ftz" takes and gives them.
    private static float Flushed(float value) => MathF.Abs(value) < 1.17549435e-38f ? MathF.CopySign(0, value) : value;
}

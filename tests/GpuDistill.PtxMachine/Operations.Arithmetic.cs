using System.Numerics;

namespace GpuDistill.PtxMachine;

internal static partial class Operations
{
    private const float Ulp = 1f / (1 << 23);

    public static Operation Of(Program program, Contraction contraction)
    {
        const uint Sign = 0x8000_0000;
        uint product = contraction.NegatesProduct ? Sign : 0;
        uint other = contraction.NegatesOther ? Sign : 0;
        return Map(program, contraction.Fused, (a, b, c) => Bits(MathF.FusedMultiplyAdd(Float(a ^ product), Float(b), Float(c ^ other))));
    }

    private static Operation? Arithmetic(Program program, Statement statement, string[] name)
    {
        string type = name[^1];
        switch (name[0])
        {
            case "mov" or "cvta":
                return Map(program, statement, a => Cut(a, type));
            case "setp":
                return Map(program, statement, Comparison(name[1], type));
            case "selp":
                return Map(program, statement, (a, b, p) => Cut(p != 0 ? a : b, type));
            case "and":
                return Map(program, statement, (a, b) => Cut(a & b, type));
            case "or":
                return Map(program, statement, (a, b) => Cut(a | b, type));
            case "xor":
                return Map(program, statement, (a, b) => Cut(a ^ b, type));
            case "not":
                return Map(program, statement, a => type == "pred" ? a ^ 1 : Cut(~a, type));
            case "popc":
                return Map(program, statement, a => (uint)BitOperations.PopCount(Cut(a, type)));
        }

        return type switch
        {
            "f32" => (program.Errs && name.Contains("approx") ? Approximate(program, statement, name[0]) : null) ?? Floating(program, statement, name[0]),
            "s32" or "u32" or "b32" or "s64" or "u64" or "b64" => Integer(program, statement, name),
            _ => null,
        };
    }

    private static Operation? Floating(Program program, Statement statement, string name) => name switch
    {
        "add" => Map(program, statement, (a, b) => Bits(Float(a) + Float(b))),
        "sub" => Map(program, statement, (a, b) => Bits(Float(a) - Float(b))),
        "mul" => Map(program, statement, (a, b) => Bits(Float(a) * Float(b))),
        "div" => Map(program, statement, (a, b) => Bits(Float(a) / Float(b))),
        "fma" => Map(program, statement, (a, b, c) => Bits(MathF.FusedMultiplyAdd(Float(a), Float(b), Float(c)))),
        "max" => Map(program, statement, (a, b) => Bits(float.MaxNumber(Float(a), Float(b)))),
        "min" => Map(program, statement, (a, b) => Bits(float.MinNumber(Float(a), Float(b)))),
        "neg" => Map(program, statement, a => Bits(-Float(a))),
        "abs" => Map(program, statement, a => Bits(MathF.Abs(Float(a)))),
        "sqrt" => Map(program, statement, a => Bits(MathF.Sqrt(Float(a)))),
        "rcp" => Map(program, statement, a => Bits(Flushed(1 / Flushed(Float(a))))),
        "ex2" => Map(program, statement, a => Bits(Flushed((float)Math.Pow(2, Flushed(Float(a)))))),
        "lg2" => Map(program, statement, a => Bits((float)Math.Log2(Flushed(Float(a))))),
        _ => null,
    };

    // As far off as the manual lets them be, and exact at powers of two, where devices are: rcp by an ulp, div by two, ex2 by 2^-22 of
    // itself, lg2 by 2^-22.
    private static Operation? Approximate(Program program, Statement statement, string name) => name switch
    {
        "rcp" => Map(program, statement, a => Bits(IsPowerOfTwo(a) ? 1 / Float(a) : Flushed((1 / Flushed(Float(a))) * (1 + (Noise(a) * Ulp))))),
        "div" => Map(program, statement, (a, b) => Bits(Float(a) / Float(b) * (1 + (Noise(a ^ (b << 7)) * 2 * Ulp)))),
        "ex2" => Map(program, statement, a => Bits(Flushed((float)(Math.Pow(2, Flushed(Float(a))) * (1 + (float.IsInteger(Float(a)) ? 0 : Noise(a) * 2 * Ulp)))))),
        "lg2" => Map(program, statement, a => Bits((float)(Math.Log2(Flushed(Float(a))) + (IsPowerOfTwo(a) ? 0 : Noise(a) * 2 * Ulp)))),
        _ => null,
    };

    private static bool IsPowerOfTwo(ulong bits) => (bits & 0x7FFFFF) == 0;

    // From -1 to 1, the same each time.
    private static float Noise(ulong bits) => ((float)((uint)bits * 2654435761u) / (1u << 31)) - 1;

    // Registers hold what is cut to the type's width; signs are found again where they matter.
    private static Operation? Integer(Program program, Statement statement, string[] name)
    {
        string type = name[^1];
        bool isWide = type is "s64" or "u64" or "b64";
        bool isSigned = type[0] == 's';
        int width = isWide ? 64 : 32;
        return (name[0], name[1]) switch
        {
            ("add", _) => Map(program, statement, (a, b) => Cut(a + b, type)),
            ("sub", _) => Map(program, statement, (a, b) => Cut(a - b, type)),
            ("mul", "lo") => Map(program, statement, (a, b) => Cut(a * b, type)),
            ("mul", "wide") when isSigned => Map(program, statement, (a, b) => (ulong)((long)(int)a * (int)b)),
            ("mul", "wide") => Map(program, statement, (a, b) => (ulong)(uint)a * (uint)b),
            ("mad", "lo") => Map(program, statement, (a, b, c) => Cut((a * b) + c, type)),
            ("div", _) when isSigned => Map(program, statement, (a, b) => Cut((ulong)(Signed(a, type) / Divisor(Signed(b, type))), type)),
            ("div", _) => Map(program, statement, (a, b) => Cut(a, type) / (ulong)Divisor((long)Cut(b, type))),
            ("rem", _) when isSigned => Map(program, statement, (a, b) => Cut((ulong)(Signed(a, type) % Divisor(Signed(b, type))), type)),
            ("rem", _) => Map(program, statement, (a, b) => Cut(a, type) % (ulong)Divisor((long)Cut(b, type))),
            ("shl", _) => Map(program, statement, (a, b) => (uint)b >= width ? 0 : Cut(a << (int)b, type)),
            ("shr", _) when isSigned => Map(program, statement, (a, b) => Cut((ulong)(Signed(a, type) >> (int)Math.Min((uint)b, width - 1)), type)),
            ("shr", _) => Map(program, statement, (a, b) => (uint)b >= width ? 0 : Cut(a, type) >> (int)b),
            ("max", _) when isSigned => Map(program, statement, (a, b) => Signed(a, type) > Signed(b, type) ? Cut(a, type) : Cut(b, type)),
            ("min", _) when isSigned => Map(program, statement, (a, b) => Signed(a, type) < Signed(b, type) ? Cut(a, type) : Cut(b, type)),
            ("max", _) => Map(program, statement, (a, b) => Math.Max(Cut(a, type), Cut(b, type))),
            ("min", _) => Map(program, statement, (a, b) => Math.Min(Cut(a, type), Cut(b, type))),
            ("neg", _) => Map(program, statement, a => Cut(0 - a, type)),
            _ => null,
        };
    }

    private static Two Comparison(string relation, string type)
    {
        if (type == "f32")
        {
            return relation switch
            {
                "eq" => (a, b) => Bits(Float(a) == Float(b)),
                "ne" => (a, b) => Bits(Float(a) < Float(b) || Float(a) > Float(b)),
                "lt" => (a, b) => Bits(Float(a) < Float(b)),
                "le" => (a, b) => Bits(Float(a) <= Float(b)),
                "gt" => (a, b) => Bits(Float(a) > Float(b)),
                "ge" => (a, b) => Bits(Float(a) >= Float(b)),
                "equ" => (a, b) => Bits(!(Float(a) < Float(b)) && !(Float(a) > Float(b))),
                "neu" => (a, b) => Bits(Float(a) != Float(b)),
                "ltu" => (a, b) => Bits(!(Float(a) >= Float(b))),
                "leu" => (a, b) => Bits(!(Float(a) > Float(b))),
                "gtu" => (a, b) => Bits(!(Float(a) <= Float(b))),
                "geu" => (a, b) => Bits(!(Float(a) < Float(b))),
                _ => throw new NotSupportedException($"setp.{relation}.{type}"),
            };
        }

        bool isSigned = type[0] == 's';
        Func<ulong, ulong, int> compare = isSigned
            ? (a, b) => Signed(a, type).CompareTo(Signed(b, type))
            : (a, b) => Cut(a, type).CompareTo(Cut(b, type));
        return relation switch
        {
            "eq" => (a, b) => Bits(compare(a, b) == 0),
            "ne" => (a, b) => Bits(compare(a, b) != 0),
            "lt" or "lo" => (a, b) => Bits(compare(a, b) < 0),
            "le" or "ls" => (a, b) => Bits(compare(a, b) <= 0),
            "gt" or "hi" => (a, b) => Bits(compare(a, b) > 0),
            "ge" or "hs" => (a, b) => Bits(compare(a, b) >= 0),
            _ => throw new NotSupportedException($"setp.{relation}.{type}"),
        };
    }

    private static long Divisor(long value) => value != 0 ? value : throw new PtxFault("a division by 0");

    private static ulong Cut(ulong value, string type) => Width(type) switch
    {
        64 => value,
        32 => (uint)value,
        16 => (ushort)value,
        8 => (byte)value,
        _ => value & 1,
    };

    private static long Signed(ulong value, string type) => Width(type) switch
    {
        64 => (long)value,
        32 => (int)value,
        16 => (short)value,
        _ => (sbyte)value,
    };

    private static int Width(string type) => type switch
    {
        "pred" => 1,
        _ when type.EndsWith("64", StringComparison.Ordinal) => 64,
        _ when type.EndsWith("32", StringComparison.Ordinal) => 32,
        _ when type.EndsWith("16", StringComparison.Ordinal) => 16,
        _ when type.EndsWith('8') => 8,
        _ => throw new NotSupportedException($"the type {type}"),
    };
}

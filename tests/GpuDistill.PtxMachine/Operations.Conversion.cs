namespace GpuDistill.PtxMachine;

internal static partial class Operations
{
    private static Operation? Conversion(Program program, Statement statement, string[] name)
    {
        if (name[0] != "cvt")
            return null;
        string to = name[^2];
        string from = name[^1];
        string rounding = name.Length > 3 ? name[1] : "";
        switch (to, from, rounding)
        {
            case ("f32", "f16", ""):
                return Map(program, statement, a => Bits((float)BitConverter.UInt16BitsToHalf((ushort)a)));
            case ("f16", "f32", "rn"):
                return Map(program, statement, a => HalfBits(Float(a)));
            case ("f16x2", "f32", "rn"):
                return Map(program, statement, (a, b) => (HalfBits(Float(a)) << 16) | HalfBits(Float(b)));
            case ("bf16x2", "f32", "rn"):
                return Map(program, statement, (a, b) => (Rounded(a, 16) & 0xFFFF0000) | (Rounded(b, 16) >> 16));
            case ("tf32", "f32", "rn"):
                return Map(program, statement, a => Rounded(a, 13));
            case ("tf32", "f32", "rna"): // ties away from 0
                return Map(program, statement, a => float.IsFinite(Float(a)) ? (a + 0x1000) & 0xFFFFE000 : a);
            case ("f32", "s32" or "s64", "rn"):
                return Map(program, statement, a => Bits(Signed(a, from)));
            case ("f32", "u32" or "u64", "rn"):
                return Map(program, statement, a => Bits(Cut(a, from)));
        }

        if (from == "f32" && rounding == "rzi" && to is "s32" or "u32" or "s64")
            return Map(program, statement, a => Cut((ulong)Integral(Float(a), to), to));
        if (rounding.Length > 0 || to[0] == 'f' || from[0] == 'f')
            return null;
        return from[0] == 's'
            ? Map(program, statement, a => Cut((ulong)Signed(a, from), to))
            : Map(program, statement, a => Cut(Cut(a, from), to));
    }

    // Towards 0, and to the type's nearest where it has no such number; of what is no number 0.
    private static long Integral(float value, string type) => type switch
    {
        "s32" => (int)value,
        "u32" => (uint)value,
        _ => (long)value,
    };

    private static ulong HalfBits(float value) => BitConverter.HalfToUInt16Bits((Half)value);

    // The nearest number whose last bits are 0, ties to even; what is no number stays so.
    private static ulong Rounded(ulong bits, int dropped)
    {
        float value = Float(bits);
        if (float.IsNaN(value))
            return 0x7FFFFFFF;
        if (float.IsInfinity(value))
            return (uint)bits;
        double unit = Math.ScaleB(1, Math.Max(value == 0 ? -126 : Math.ILogB(value), -126) - 23 + dropped);
        return Bits((float)(Math.Round(value / unit, MidpointRounding.ToEven) * unit)) | (bits & 0x80000000);
    }
}

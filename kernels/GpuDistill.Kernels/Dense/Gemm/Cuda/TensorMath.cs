namespace GpuDistill.Kernels;

/// <summary>Device code: what tensor cores multiply. Implementations are empty structs.</summary>
internal interface ITensorMath
{
    /// <summary>Words from shared memory as operands of an instruction.</summary>
    FragmentWords Operands(FragmentWords words);

    Quad MultiplyAdd(Quad sums, FragmentWords a, uint b0, uint b1);
}

/// <summary>A word is a number in single precision, rounded to TF32 here.</summary>
internal readonly struct Tf32Math : ITensorMath
{
    public FragmentWords Operands(FragmentWords words) => new()
    {
        X = TensorCore.RoundToTf32(words.X),
        Y = TensorCore.RoundToTf32(words.Y),
        Z = TensorCore.RoundToTf32(words.Z),
        W = TensorCore.RoundToTf32(words.W),
    };

    public Quad MultiplyAdd(Quad sums, FragmentWords a, uint b0, uint b1) => TensorCore.MultiplyAddTf32(sums, a.X, a.Y, a.Z, a.W, b0, b1);
}

/// <summary>A word is two neighbouring terms in bf16.</summary>
internal readonly struct BFloat16Math : ITensorMath
{
    public FragmentWords Operands(FragmentWords words) => words;

    public Quad MultiplyAdd(Quad sums, FragmentWords a, uint b0, uint b1) =>
        TensorCore.MultiplyAddBFloat16(sums, a.X, a.Y, a.Z, a.W, b0, b1);
}

/// <summary>What a lane has of fragments of 32 rows, or 32 columns, by 8 words of terms. A device struct.</summary>
internal struct Fragments<TMath>
    where TMath : unmanaged, ITensorMath
{
    public FragmentWords Upper, Lower;

    public static Fragments<TMath> Left<TLayout>(GemmStep step, int block, int half)
        where TLayout : unmanaged, IOperandLayout
    {
        TLayout layout = default;
        TMath math = default;
        return new Fragments<TMath>
        {
            Upper = math.Operands(layout.LoadLeft(step.Left, step.LeftPlaces, 2 * block, half)),
            Lower = math.Operands(layout.LoadLeft(step.Left, step.LeftPlaces, (2 * block) + 1, half)),
        };
    }

    public static Fragments<TMath> Right<TLayout>(GemmStep step, int block, int half)
        where TLayout : unmanaged, IOperandLayout
    {
        TLayout layout = default;
        TMath math = default;
        return new Fragments<TMath>
        {
            Upper = math.Operands(layout.LoadRight(step.Right, step.RightPlaces, 2 * block, half)),
            Lower = math.Operands(layout.LoadRight(step.Right, step.RightPlaces, (2 * block) + 1, half)),
        };
    }
}

/// <summary>Four words of a lane's. A device struct.</summary>
internal struct FragmentWords
{
    public uint X, Y, Z, W;
}

using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// What is done to a row's quads; a row without a teacher.

/// <summary>The largest logit. A device struct.</summary>
internal struct LargestLogit : IQuadPass<float>
{
    public float Step(float maximum, QuadPair quads, int column) =>
        XMath.Max(maximum, XMath.Max(XMath.Max(quads.Student.X, quads.Student.Y), XMath.Max(quads.Student.Z, quads.Student.W)));
}

/// <summary>The sum of the exponentials; what a quad has beyond the row is -infinity and adds 0. A device struct.</summary>
internal struct SumOfExponentials : IQuadPass<float>
{
    /// <summary>log2(e) / T: the exponentials at T are powers of 2.</summary>
    public float Scale;
    public float Maximum;

    // Four terms are summed before they are added to the sum so far: few additions of a small to a large number.
    public float Step(float sum, QuadPair quads, int column) =>
        sum + (Term(quads.Student.X) + Term(quads.Student.Y) + (Term(quads.Student.Z) + Term(quads.Student.W)));

    private readonly float Term(float logit) => XMath.Exp2((logit - Maximum) * Scale);
}

/// <summary>Writes a row's softmax or its logarithm; the state is nothing. A device struct.</summary>
internal struct SoftmaxOutput<T, TAccess> : IQuadPass<int>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public ArrayView<T> Output;

    /// <summary>The row's first element.</summary>
    public long Start;
    public int Columns;
    public float Maximum;

    /// <summary>log2(e) / T, or 1 / T where the logarithm is asked for.</summary>
    public float Scale;

    /// <summary>1 by the sum of the exponentials, or its logarithm.</summary>
    public float Normalizer;

    /// <summary>1 for the logarithm.</summary>
    public int Log;

    public int Step(int state, QuadPair quads, int column)
    {
        TAccess access = default;
        Quad output = new()
        {
            X = Of(quads.Student.X),
            Y = Of(quads.Student.Y),
            Z = Of(quads.Student.Z),
            W = Of(quads.Student.W),
        };
        access.Store(Output, Start, column, Columns, output);
        return state;
    }

    private readonly float Of(float logit)
    {
        float x = (logit - Maximum) * Scale;
        return Log != 0 ? x - Normalizer : XMath.Exp2(x) * Normalizer;
    }
}

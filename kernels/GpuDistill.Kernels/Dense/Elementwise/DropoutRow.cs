using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>Dropout of neighbouring elements of one row on SIMD lanes; the bits of <see cref="DropoutArguments.Keeps"/>.</summary>
/// <param name="dropout">The dropout.</param>
/// <param name="step">The current step.</param>
/// <param name="words">Room for the words of a block of columns.</param>
internal readonly unsafe ref struct DropoutRow<F>(in DropoutArguments dropout, uint step, uint* words)
    where F : struct, ISimd<F>
{
    private readonly ulong _seed = dropout.Seed;
    private readonly uint _stream = dropout.Stream;
    private readonly F _rate = F.Splat(dropout.Rate);
    private readonly F _scale = F.Splat(dropout.Scale);

    /// <summary>Draws the block that holds the column; call it at the row's first column and at each multiple of 64.</summary>
    public void Draw(int row, int column) =>
        PhiloxBlock.Fill(words, _seed, _stream, step, (uint)row, (uint)column / PhiloxBlock.Columns);

    /// <summary>Values scaled where the column is kept, 0 elsewhere; the vector lies within the block drawn last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public F Apply(F values, int column)
    {
        F uniform = F.LoadUniform(words + (column % PhiloxBlock.Columns));
        return F.Select(F.Less(uniform, _rate), F.Splat(0), values * _scale);
    }
}

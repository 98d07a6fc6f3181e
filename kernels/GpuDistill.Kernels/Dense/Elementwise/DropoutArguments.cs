using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Kernel arguments of <see cref="Dropout"/>, and its rule for one element.</summary>
internal struct DropoutArguments
{
    /// <summary>The low word of <see cref="StepState.Step"/>, which is what the generator counts; any view without dropout.</summary>
    public ArrayView<int> Step;
    public ulong Seed;
    public uint Stream;

    /// <summary>The share dropped; 0 without dropout.</summary>
    public float Rate;

    /// <summary>1 / (1 - Rate).</summary>
    public float Scale;

    /// <param name="dropout">The dropout, or null.</param>
    /// <param name="other">A view to stand in for the clock's where there is no dropout: kernels need a valid one.</param>
    public static DropoutArguments Of<T>(Dropout? dropout, ArrayView<T> other)
        where T : unmanaged => dropout is null
        ? new DropoutArguments { Step = other.Cast<int>(), Scale = 1 }
        : new DropoutArguments
        {
            Step = dropout.Clock.Cast<int>(),
            Seed = dropout.Seed,
            Stream = dropout.Stream,
            Rate = dropout.Rate,
            Scale = 1 / (1 - dropout.Rate),
        };

    /// <summary>Refuses a rate outside [0, 1) and a clock that is not one.</summary>
    public static void Check(Dropout? dropout)
    {
        if (dropout is null)
            return;
        if (!(dropout.Rate >= 0 && dropout.Rate < 1))
            throw new ArgumentOutOfRangeException(nameof(dropout), dropout.Rate, "The dropout rate must be at least 0 and below 1.");
        if (dropout.Clock.Length != 1)
            throw new ArgumentException($"The dropout's clock has {dropout.Clock.Length} elements; it must have 1.", nameof(dropout));
    }

    /// <summary>The random words that an element's is among, or none without dropout. Device code.</summary>
    public readonly Philox.Words Draw(int row, int column)
    {
        Philox.Words words = default;
        if (Rate > 0)
            words = Philox.Draw(Seed, Stream, Step[0], (uint)row, (uint)column);
        return words;
    }

    /// <summary>Whether the element is kept. Device code.</summary>
    public readonly bool Keeps(Philox.Words words, int column) => Philox.ToUniform(Philox.Select(words, (uint)column)) >= Rate;
}

using System.Globalization;
using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>
/// A fully connected network: the sizes of its layers, inputs first and classes last, and the activation of its hidden
/// layers. The last layer has none: it gives logits.
/// </summary>
public sealed record NetworkShape
{
    /// <summary>The most weights and biases: they live in one buffer, whose elements are counted in 32 bits.</summary>
    public const int MaxParameters = 2_000_000_000;

    /// <param name="sizes">Sizes, at least inputs and classes, such as 784, 800, 800, 10.</param>
    /// <param name="activation">The activation of the hidden layers.</param>
    /// <exception cref="ArgumentException">
    /// Fewer than two sizes, one that is not positive, or more than <see cref="MaxParameters"/> weights and biases.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such activation.</exception>
    public NetworkShape(IReadOnlyList<int> sizes, Activation activation = Activation.Relu)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        if (sizes.Count < 2 || sizes.Any(size => size < 1))
            throw new ArgumentException("A network needs at least two positive sizes, inputs and classes.", nameof(sizes));
        if (TooLarge(sizes) is { } problem)
            throw new ArgumentException(problem, nameof(sizes));
        if (!Enum.IsDefined(activation))
            throw new ArgumentOutOfRangeException(nameof(activation), activation, "There is no such activation.");
        Sizes = [.. sizes];
        Activation = activation;
    }

    /// <summary>Sizes from inputs to classes.</summary>
    public IReadOnlyList<int> Sizes { get; }

    /// <summary>The activation of the hidden layers.</summary>
    public Activation Activation { get; }

    /// <summary>The number of inputs.</summary>
    public int Inputs => Sizes[0];

    /// <summary>The number of classes, which is the number of logits.</summary>
    public int Classes => Sizes[^1];

    /// <summary>The number of dense layers.</summary>
    public int Layers => Sizes.Count - 1;

    /// <summary>Weights and biases of all layers.</summary>
    public long Parameters
    {
        get
        {
            long count = 0;
            for (int layer = 0; layer < Layers; layer++)
                count += ((long)Sizes[layer] + 1) * Sizes[layer + 1];
            return count;
        }
    }

    /// <summary>Reads a shape such as <c>784-800-800-10</c>.</summary>
    /// <exception cref="FormatException">The text is no list of at least two positive numbers, or the network is too large.</exception>
    public static NetworkShape Parse(string text, Activation activation = Activation.Relu)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> sizes = [];
        foreach (string part in text.Split('-'))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int size) || size < 1)
                throw new FormatException($"'{text}' is no network; write its layer sizes like 784-800-800-10.");
            sizes.Add(size);
        }

        if (sizes.Count < 2)
            throw new FormatException($"'{text}' is no network; write at least inputs and classes, like 784-10.");
        if (TooLarge(sizes) is { } problem)
            throw new FormatException(problem);
        return new NetworkShape(sizes, activation);
    }

    /// <summary>The activation after a layer: that of the hidden layers, or none after the last.</summary>
    public Activation ActivationOf(int layer) => layer == Layers - 1 ? Activation.Identity : Activation;

    /// <inheritdoc/>
    public bool Equals(NetworkShape? other) =>
        other is not null && Activation == other.Activation && Sizes.SequenceEqual(other.Sizes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Activation, Sizes.Count, Inputs, Classes);

    /// <inheritdoc/>
    public override string ToString() => string.Join('-', Sizes);

    private static string? TooLarge(IReadOnlyList<int> sizes)
    {
        double count = 0; // no whole number holds them all
        for (int layer = 0; layer < sizes.Count - 1; layer++)
            count += (sizes[layer] + 1.0) * sizes[layer + 1];
        return count <= MaxParameters
            ? null
            : FormattableString.Invariant($"the network {string.Join('-', sizes)} is too large: it has more than {MaxParameters:N0} parameters.");
    }
}

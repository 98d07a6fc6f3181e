using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Softmax at a temperature, q(T)[i] = exp(z[i]/T) / sum_j exp(z[j]/T) (Hinton, Vinyals and Dean 2015, equation 1), or
/// its logarithm, for each row of a matrix of logits.
/// </summary>
/// <remarks>
/// Stable for any finite logits and T from 1e-3 to 1e6. A logit of -infinity has probability 0 and log-probability
/// -infinity. A row that holds NaN, +infinity or nothing but -infinity has no softmax: all its outputs are NaN.
/// </remarks>
public static partial class TemperatureSoftmax
{
    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T">The type of the elements in memory: float.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="logits">Logits z, [N x C], C at least 1.</param>
    /// <param name="output">Probabilities, or log-probabilities, [N x C]; may be <paramref name="logits"/> itself.</param>
    /// <param name="temperature">T, finite and above 0, in units of the logits.</param>
    /// <param name="log">True for log q(T) instead of q(T).</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The shapes differ, or the buffers overlap without being the same.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not finite and above 0.</exception>
    /// <exception cref="NotSupportedException">There are no kernels for <typeparamref name="T"/>, or the variant cannot run.</exception>
    public static Launch Bind<T>(
        KernelContext context,
        Matrix<T> logits,
        Matrix<T> output,
        float temperature = 1,
        bool log = false,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(context);
        if (typeof(T) != typeof(float))
            throw StorageType.NotSupported<T>(nameof(TemperatureSoftmax));
        Check.Temperature(temperature);
        Check.SameShape(logits, output);
        Check.SameOrApart(logits, output);
        return Bind<float, FloatStorage>(
            context, (Matrix<float>)(object)logits, (Matrix<float>)(object)output, temperature, log, variant);
    }

    private static Launch Bind<T, TStorage>(
        KernelContext context, Matrix<T> logits, Matrix<T> output, float temperature, bool log, KernelVariant variant)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>, ISimdStorage<T>
    {
        Arguments<T> arguments = new()
        {
            Logits = logits.Data,
            Output = output.Data,
            Rows = logits.Rows,
            Settings = new Settings { Columns = logits.Columns, InverseTemperature = 1 / temperature, Log = log ? 1 : 0 },
        };
        return Table<T, TStorage>.Variants.Bind(context, arguments, variant);
    }

    private static class Table<T, TStorage>
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>, ISimdStorage<T>
    {
        public static readonly VariantTable<Arguments<T>> Variants =
            new(nameof(TemperatureSoftmax), BindPortable<T, TStorage>, BindCpu<T, TStorage>, BindCuda<T, TStorage>);
    }

    internal struct Arguments<T>
        where T : unmanaged
    {
        public ArrayView<T> Logits;
        public ArrayView<T> Output;
        public Settings Settings;
        public int Rows;
        public int TeamSize;
    }

    internal struct Settings
    {
        public int Columns;
        public float InverseTemperature;

        // 1 for the logarithm.
        public int Log;
    }
}

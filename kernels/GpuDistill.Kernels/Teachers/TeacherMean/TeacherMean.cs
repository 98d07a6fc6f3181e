using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// The mean of several teachers' predictions as one row of logits per case (Hinton, Vinyals and Dean 2015, section 1),
/// gathered batch by batch in a store that stays on the device. Each teacher adds its batches
/// (<see cref="BindAdd"/>), teacher 0 first; <see cref="BindFinish"/> then turns the sums into means.
/// </summary>
/// <remarks>
/// <para>Geometric: the mean over the teachers of their zero-meaned logits z - mean(z). Its softmax is the normalised geometric
/// mean of their probabilities at every temperature. A class that one teacher gives -infinity is -infinity, and counts
/// for no mean.</para>
/// <para>Arithmetic: T log(mean over the teachers of softmax(z / T)), whose softmax at T is that mean. -infinity where all
/// teachers have probability 0.</para>
/// <para>One teacher's logits are stored bit for bit, whatever the kind. Where a teacher's row has no softmax (it holds NaN,
/// +infinity or nothing but -infinity), the stored row is NaN, so that a loss that meets it reports it.</para>
/// </remarks>
public static partial class TeacherMean
{
    private static readonly VariantTable<AddArguments> AddVariants = new(nameof(TeacherMean), BindPortableAdd, BindCpuAdd);

    private static readonly VariantTable<FinishArguments> FinishVariants =
        new(nameof(TeacherMean), BindPortableFinish, BindCpuFinish);

    /// <summary>Binds the addition of one teacher's batch to the store: teacher 0 writes its rows, later ones add to them.</summary>
    /// <param name="context">The device.</param>
    /// <param name="logits">The teacher's logits, [B x C], C at least 1.</param>
    /// <param name="rows">[B]: the store's row for each; one outside the store is skipped, and none may come twice.</param>
    /// <param name="store">[M x C]; rows that no teacher wrote keep what they hold.</param>
    /// <param name="options">The kind of mean, the number of teachers and the temperature.</param>
    /// <param name="teacher">The teacher's number, from 0.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or the store overlaps the logits.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option or the teacher's number is out of its range.</exception>
    public static Launch BindAdd(
        KernelContext context,
        Matrix<float> logits,
        ArrayView<int> rows,
        Matrix<float> store,
        TeacherMeanOptions options,
        int teacher,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckOptions(options);
        if (teacher < 0 || teacher >= options.Teachers)
        {
            throw new ArgumentOutOfRangeException(
                nameof(teacher), teacher, $"Teachers are numbered from 0 to {options.Teachers - 1}; options.Teachers is {options.Teachers}.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(logits.Columns, 1);
        Check.Length(rows, logits.Rows, "one for each row of logits");
        Check.Shape(store, store.Rows, logits.Columns, "as wide as logits");
        Check.Apart(logits.Data, store.Data);
        Check.Apart(rows, store.Data);
        AddArguments arguments = new()
        {
            Logits = logits.Data,
            Rows = rows,
            Store = store.Data,
            Batch = logits.Rows,
            Columns = logits.Columns,
            StoreRows = store.Rows,
            First = teacher == 0 ? 1 : 0,
            ZeroMean = options.Teachers > 1 ? 1 : 0,
            Probabilities = options.Teachers > 1 && options.Kind == TeacherMeanKind.Arithmetic ? 1 : 0,
            Temperature = options.Temperature,
            InverseTemperature = 1 / options.Temperature,
        };
        return AddVariants.Bind(context, arguments, variant);
    }

    /// <summary>Binds the last step, once all teachers have added all their batches: sums become means.</summary>
    /// <param name="context">The device.</param>
    /// <param name="store">[M x C], changed in place. With one teacher there is nothing to do, and nothing is touched.</param>
    /// <param name="options">As for <see cref="BindAdd"/>.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static Launch BindFinish(
        KernelContext context, Matrix<float> store, TeacherMeanOptions options, KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckOptions(options);
        bool geometric = options.Kind == TeacherMeanKind.Geometric;
        FinishArguments arguments = new()
        {
            Store = options.Teachers > 1 ? store.Data : default,
            Scale = geometric ? 1f / options.Teachers : 1,
            Offset = geometric ? 0 : (float)(-options.Temperature * Math.Log(options.Teachers)),
        };
        return FinishVariants.Bind(context, arguments, variant);
    }

    private static void CheckOptions(TeacherMeanOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!Enum.IsDefined(options.Kind))
            throw new ArgumentOutOfRangeException(nameof(options), options.Kind, "There is no such kind of mean.");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Teachers, 1);
        Check.Temperature(options.Temperature);
    }

    internal struct AddArguments
    {
        public ArrayView<float> Logits;
        public ArrayView<int> Rows;
        public ArrayView<float> Store;
        public int Batch;
        public int Columns;
        public int StoreRows;
        public int First;
        public int ZeroMean;
        public int Probabilities;
        public float Temperature;
        public float InverseTemperature;
        public int TeamSize;
    }

    internal struct FinishArguments
    {
        public ArrayView<float> Store;
        public float Scale;
        public float Offset;
    }
}

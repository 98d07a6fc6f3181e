using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class BindingTests
{
    [Fact]
    public void A_forced_variant_that_cannot_run_is_an_error_that_lists_what_can()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<StepState> clock = new(context, 1);
        NotSupportedException exception = Assert.Throws<NotSupportedException>(
            () => StepClock.Bind(context, clock.View, LearningRateSchedule.Constant(1), (KernelVariant)99));
        Assert.Contains("StepClock cannot run as 99", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Simd128, Portable", exception.Message, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => new KernelContext(context.Accelerator, (KernelVariant)99));
    }

    [Theory]
    [InlineData(KernelVariant.Simd512)]
    [InlineData(KernelVariant.Simd256)]
    [InlineData(KernelVariant.Simd128)]
    [InlineData(KernelVariant.Portable)]
    public void A_launch_names_the_variant_that_was_forced(KernelVariant variant)
    {
        KernelContext forced = TestDevices.Get("cpu", variant);
        KernelContext any = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<StepState> clock = new(any, 1);
        LearningRateSchedule schedule = LearningRateSchedule.Constant(1);
        Assert.Equal(variant, StepClock.Bind(forced, clock.View, schedule).Variant);
        Assert.Equal(variant, StepClock.Bind(any, clock.View, schedule, variant).Variant);
        Assert.Equal($"StepClock ({variant})", StepClock.Bind(any, clock.View, schedule, variant).ToString());
        KernelVariant chosen = StepClock.Bind(any, clock.View, schedule).Variant;
        Assert.NotEqual(KernelVariant.Auto, chosen);
        Assert.NotEqual(KernelVariant.Portable, chosen);
    }

    [Fact]
    public void A_context_has_the_threads_that_were_asked_for()
    {
        KernelContext shared = TestDevices.Get("cpu", KernelVariant.Auto);
        using KernelContext context = new(shared.Accelerator, KernelVariant.Auto, 3);
        Assert.Equal(3, context.Threads);
        using KernelContext all = new(shared.Accelerator);
        Assert.Equal(Environment.ProcessorCount, all.Threads);
        Assert.Throws<ArgumentOutOfRangeException>(() => new KernelContext(shared.Accelerator, KernelVariant.Auto, -1));
        Assert.Throws<ArgumentNullException>(() => new KernelContext(null!));
        using KernelContext most = new(shared.Accelerator, KernelVariant.Auto, KernelContext.MaxThreads);
        Assert.Equal(KernelContext.MaxThreads, most.Threads);
        string message = Assert.Throws<ArgumentOutOfRangeException>(
            () => new KernelContext(shared.Accelerator, KernelVariant.Auto, KernelContext.MaxThreads + 1)).Message;
        Assert.StartsWith($"Worker threads must be from 1 to {KernelContext.MaxThreads}, or 0", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Buffers_of_another_accelerator_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        KernelContext other = TestDevices.Get("cpu-16", KernelVariant.Portable);
        using GuardedBuffer<float> one = new(context, 4);
        using GuardedBuffer<float> two = new(context, 4);
        using GuardedBuffer<float> there = new(other, 4);
        using GuardedBuffer<StepState> clock = new(other, 1);
        Matrix<float> a = one.Matrix(2, 2);
        Matrix<float> b = two.Matrix(2, 2);
        Matrix<float> foreign = there.Matrix(2, 2);
        Refuses("TemperatureSoftmax: Output", () => TemperatureSoftmax.Bind(context, a, foreign));
        Refuses("StepClock: State", () => StepClock.Bind(context, clock.View, LearningRateSchedule.Constant(1)));
        Refuses("MatrixProduct: Right", () => MatrixProduct.Bind(context, a, foreign, b));
        Refuses("DenseForward: Left", () => DenseForward.Bind(context, foreign, a, one.View.SubView(0, 2), b)); // nested in the arguments
        using Launch launch = TemperatureSoftmax.Bind(other, foreign, foreign);

        static void Refuses(string view, Action bind) => Assert.StartsWith(
            $"{view} is in memory of another accelerator", Assert.Throws<ArgumentException>(bind).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_matrix_checks_its_view()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> buffer = new(context, 12);
        Matrix<float> matrix = buffer.Matrix(3, 4);
        Assert.Equal(8, matrix.Top(2).Data.Length);
        Assert.Equal("Single[3 x 4]", matrix.ToString());
        Assert.True(matrix.IsSame(buffer.Matrix(3, 4)));
        Assert.False(matrix.IsSame(matrix.Top(2)));
        Assert.Equal(0, new Matrix<float>(ArrayView<float>.Empty, 0, 4).Data.Length);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => buffer.Matrix(4, 4));
        Assert.Contains("A 4 x 4 matrix needs 16 elements; the view has 12.", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => buffer.Matrix(1 << 20, 1 << 20));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Matrix(-1, 4));
        Assert.Throws<ArgumentException>(() => matrix.Top(4));
    }

    [Fact]
    public void Checks_say_what_is_wrong_and_what_to_do()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> buffer = new(context, 20);
        Matrix<float> input = buffer.Matrix(4, 5);
        Matrix<float> output = buffer.Matrix(5, 4);
        Matrix<float> shifted = new(buffer.View.SubView(1, 10), 2, 5);
        Matrix<float> top = input.Top(2);
        ArrayView<float> view = buffer.View;
        ArrayView<float> end = view.SubView(19, 1);
        static string Message(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;

        Assert.StartsWith("output is [5 x 4]; it must be [4 x 5], as input.", Message(() => Check.SameShape(input, output)), StringComparison.Ordinal);
        Assert.StartsWith("shifted overlaps top without being the same.", Message(() => Check.SameOrApart(top, shifted)), StringComparison.Ordinal);
        Assert.StartsWith("view has 20 elements; it must have 3, one per row.", Message(() => Check.Length(view, 3, "one per row")), StringComparison.Ordinal);
        Assert.StartsWith("end overlaps view; they must be apart.", Message(() => Check.Apart(view, end)), StringComparison.Ordinal);
        Check.SameShape(input, input);
        Check.SameOrApart(input, input);
        Check.Apart(view.SubView(0, 19), end);
        Check.Apart(view, ArrayView<int>.Empty);
    }

    [Fact]
    public void Checks_of_numbers_refuse_what_is_not_in_range_and_NaN()
    {
        foreach (float bad in (float[])[-1, float.NaN, float.PositiveInfinity])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => Check.NotNegative(bad));
            Assert.Throws<ArgumentOutOfRangeException>(() => Check.Positive(bad));
            Assert.Throws<ArgumentOutOfRangeException>(() => Check.Temperature(bad));
            Assert.Throws<ArgumentOutOfRangeException>(() => Check.Fraction(bad));
            Assert.Throws<ArgumentOutOfRangeException>(() => Check.BelowOne(bad));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => Check.Positive(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Check.Temperature(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Check.Temperature(float.Epsilon));
        Assert.Throws<ArgumentOutOfRangeException>(() => Check.BelowOne(1));
        Check.NotNegative(0);
        Check.Fraction(1);
        Check.BelowOne(0);
    }
}

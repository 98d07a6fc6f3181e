using Xunit;

namespace GpuDistill.Cli.Tests;

public class UnitsTests
{
    [Theory]
    [InlineData(0, "0.0000")]
    [InlineData(0.08123, "0.0812")]
    [InlineData(1234.5, "1234.5000")]
    [InlineData(8.45083710617004597e29, "8.4508e+29")]
    [InlineData(-2.5e7, "-2.5e+7")]
    [InlineData(0.0000123, "1.23e-5")]
    public void A_loss_is_neither_a_wall_of_digits_nor_nothing_but_zeros(double value, string text) => Assert.Equal(text, Units.Loss(value));

    [Theory]
    [InlineData(2.3, 2.4, 0.3, 10, "above the 2.3000 that it began with")]
    [InlineData(2.3, 0.4, 99, 10, "cross entropy 99.0000 is above the 0.6931")]
    [InlineData(2.3, 0.4, 0.3, 50, "always guessing one class makes 40 errors too")]
    [InlineData(2.3, 0.4, 0.3, 10, null)]
    [InlineData(double.NaN, 0.4, 0.3, 10, null)]
    public void A_training_is_doubted_for_a_reason(double first, double last, double crossEntropy, int errors, string? words)
    {
        string? doubt = TrainingDoubts.Of(first, last, new Evaluation(100, errors, crossEntropy, [errors, 0], [60, 40]));
        if (words is null)
            Assert.Null(doubt);
        else
            Assert.Contains(words, doubt);
    }

    [Fact]
    public void A_training_that_is_right_on_images_of_one_class_is_not_doubted() =>
        Assert.Null(TrainingDoubts.Of(2.3, 0.4, new Evaluation(60, 0, 0.3, [0, 0], [60, 0])));

    [Fact]
    public void A_terminal_that_went_away_takes_no_more_and_does_no_harm()
    {
        Gone gone = new();
        TerminalWriter writer = new(gone);
        writer.WriteLine("one");
        writer.Write('c');
        writer.Flush();
        Assert.Equal(1, gone.Tries);
    }

    private sealed class Gone : StringWriter
    {
        public int Tries { get; private set; }

        public override void Write(string? value) => Fail();

        public override void Write(char value) => Fail();

        public override void Write(char[] buffer, int index, int count) => Fail();

        private void Fail()
        {
            Tries++;
            throw new IOException("Input/output error");
        }
    }
}

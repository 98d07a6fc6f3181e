using Spectre.Console;
using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>Progress as it is drawn and as it is written in lines.</summary>
public class ProgressTests
{
    [Theory]
    [InlineData(40, true)]
    [InlineData(80, true)]
    [InlineData(80, false)]
    [InlineData(120, true)]
    public void The_display_fits_the_terminal_and_keeps_its_height(int width, bool unicode)
    {
        PhaseBoard board = Board(out Phase teacher);
        int? height = null;
        board.Changed = _ =>
        {
            if (teacher.State != PhaseState.Running)
                return;
            string[] lines = Render(board, width, unicode);
            Assert.All(lines, line => Assert.InRange(line.Length, 0, width - 1));
            Assert.Equal(height ??= lines.Length, lines.Length);
            Assert.True(unicode || lines.All(line => line.All(char.IsAscii)));
        };
        board.Run(teacher, () =>
        {
            board.Report(At(1, 1));
            board.Report(At(12, 5625));
        });
        Assert.Equal(5, height);
    }

    [Fact]
    public void The_display_shows_phase_epoch_speed_loss_and_time_left()
    {
        PhaseBoard board = Board(out Phase teacher);
        string shown = "";
        board.Run(teacher, () =>
        {
            board.Report(At(3, 1406));
            shown = string.Join('\n', Render(board, 80, true));
        });
        Assert.Contains("▸ Teacher", shown);
        Assert.Contains("epoch 3 of 12", shown);
        Assert.Contains("45,120 images/s", shown);
        Assert.Contains("loss 0.0812", shown);
        Assert.Contains("accuracy 97.41 %", shown);
        Assert.Contains("41 s left", shown);
        Assert.Contains("25 %", shown);
        Assert.Contains("✓ Teacher", string.Join('\n', Render(board, 80, true)));
    }

    [Fact]
    public void A_phase_that_was_interrupted_says_where()
    {
        PhaseBoard board = Board(out Phase teacher);
        Assert.Throws<OperationCanceledException>(() => board.Run(teacher, () =>
        {
            board.Report(At(3, 1406));
            throw new OperationCanceledException();
        }));
        Assert.Contains("stopped in epoch 3 of 12", string.Join('\n', Render(board, 80, true)));
    }

    [Fact]
    public void Plain_lines_say_begin_and_end_and_do_not_flood()
    {
        PhaseBoard board = Board(out Phase teacher);
        StringWriter writer = new();
        PlainProgress.Watch(writer, board, () => board.Run(teacher, () =>
        {
            for (int epoch = 1; epoch <= 12; epoch++)
                board.Report(At(epoch, epoch * 468) with { IsEndOfEpoch = true });
        }));
        string[] lines = writer.ToString().TrimEnd().Split(writer.NewLine);
        Assert.Equal("Teacher: 784-800-800-10, 12 epochs", lines[0]);
        Assert.InRange(lines.Length, 2, 4);
        Assert.StartsWith("Teacher: done in ", lines[^1]);
        Assert.Contains("loss 0.0812", lines[^1]);
        Assert.DoesNotContain('\u001b', writer.ToString());
    }

    [Fact]
    public void One_epoch_is_one_epoch()
    {
        PhaseBoard board = new();
        Phase phase = board.Add("Training", "784-10", 1);
        Assert.Contains("1 epoch", Render(board, 80, true)[0]);
        StringWriter writer = new();
        PlainProgress.Watch(writer, board, () => board.Run(phase, () => { }));
        Assert.StartsWith($"Training: 784-10, 1 epoch{writer.NewLine}", writer.ToString());
        Assert.DoesNotContain("epochs", writer.ToString());
    }

    [Fact]
    public void Plain_lines_name_an_epoch_once_unless_it_is_long()
    {
        PhaseBoard board = Board(out Phase teacher);
        StringWriter writer = new();
        long now = 0;
        PlainProgress.Watch(writer, board, () => board.Run(teacher, () =>
        {
            for (int step = 1; step <= 24; step++) // two seconds each, and an epoch takes four of them
            {
                now += 2000;
                board.Report(At(1 + ((step - 1) / 4), step) with { IsEndOfEpoch = step % 4 == 0 });
            }
        }), () => TimeSpan.FromMilliseconds(now));
        string[] epochs = [.. writer.ToString().Split(writer.NewLine).Where(line => line.Contains(" of 12", StringComparison.Ordinal)).Select(line => line.Split(" of ")[0])];
        Assert.Equal(6, epochs.Length);
        Assert.Equal(epochs.Distinct(), epochs);
    }

    [Fact]
    public void Live_on_a_terminal_it_is_redrawn_in_place_and_the_cursor_comes_back()
    {
        PhaseBoard board = Board(out Phase teacher);
        StringWriter writer = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new FixedOutput(writer, 80),
        });
        LiveProgress.Watch(console, board, () => board.Run(teacher, () => board.Report(At(3, 1406))));
        string text = writer.ToString();
        Assert.Contains("\u001b[?25l", text);
        Assert.True(text.LastIndexOf("\u001b[?25h", StringComparison.Ordinal) > text.LastIndexOf("\u001b[?25l", StringComparison.Ordinal));
        Assert.Contains("epoch 3 of 12", text);
        Assert.DoesNotContain("[38;", text); // no colours were asked for
    }

    [Theory]
    [InlineData(400, 300, "25 % fewer errors than")]
    [InlineData(300, 400, "33 % more errors than")]
    [InlineData(300, 300, "as many errors as")]
    [InlineData(0, 2, "2 errors and so more than")]
    [InlineData(0, 1, "makes 1 error and so more than")]
    public void The_conclusion_says_what_the_numbers_say(int hard, int distilled, string words)
    {
        DemoMetrics metrics = new(
            "cpu", 100, new NetworkMetrics(1_276_810, 110, 60), new NetworkMetrics(25_450, hard, 8),
            new DistilledMetrics(25_450, distilled, 8, 4, 0.9f, 0.1f), new TeacherLogitsReport(2_400_000, 0));
        string[] lines = [.. DemoTable.Conclusion(metrics, 10_000)];
        Assert.Contains(words, lines[0]);
    }

    [Theory]
    [InlineData(149, 159_010, "It makes 39 more errors in 10,000 than the teacher, with 1/8 of its parameters.")]
    [InlineData(111, 159_010, "It makes 1 more error in 10,000 than the teacher, with 1/8 of its parameters.")]
    [InlineData(108, 25_450, "It makes 2 fewer errors in 10,000 than the teacher, with 1/50 of its parameters.")]
    [InlineData(110, 1_000_000, "It makes as many errors as the teacher, with 1/1.3 of its parameters.")]
    public void The_conclusion_says_what_the_student_costs(int errors, long parameters, string sentence)
    {
        DemoMetrics metrics = new(
            "cpu", 100, new NetworkMetrics(1_276_810, 110, 60), new NetworkMetrics(parameters, 200, 8),
            new DistilledMetrics(parameters, errors, 8, 4, 0.9f, 0.1f), new TeacherLogitsReport(2_400_000, 1));
        string[] lines = [.. DemoTable.Conclusion(metrics, 10_000)];
        Assert.Equal(sentence, lines[1]);
        Assert.Contains("uploaded 1 time.", lines[2]);
    }

    private static PhaseBoard Board(out Phase teacher)
    {
        PhaseBoard board = new();
        teacher = board.Add("Teacher", "784-800-800-10", 12);
        board.Add("Teacher logits", "stay on the device");
        board.Add("Student, hard labels", "784-32-10", 20);
        return board;
    }

    private static TrainingProgress At(int epoch, long step) =>
        new("Teacher", epoch, 12, step, 5625, 45_120.4, 0.08123, 0.97412, TimeSpan.FromSeconds(40.5));

    private static string[] Render(PhaseBoard board, int width, bool unicode)
    {
        StringWriter writer = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new FixedOutput(writer, width),
        });
        console.Profile.Capabilities.Unicode = unicode;
        console.Write(new PhaseView(board));
        return [.. writer.ToString().TrimEnd('\n', '\r').Split('\n').Select(line => line.TrimEnd('\r'))];
    }

    private sealed class FixedOutput(TextWriter writer, int width) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => true;

        public int Width => width;

        public int Height => 40;

        public void SetEncoding(System.Text.Encoding encoding)
        {
        }
    }
}

using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace GpuDistill.Cli;

/// <summary>Help as System.CommandLine writes it, in readable lines, and below it a sentence on temperature and weights and one on exit codes.</summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    public const string Distillation =
        "Temperature T softens the teacher's probabilities, softmax(logits / T), so that they tell more; the soft weight is that of "
        + "learning from them, the hard weight that of learning from the labels.";

    private const int MaxWidth = 110;

    private static readonly string ExitCodes =
        $"Exit codes: {ExitCode.Done} done, {ExitCode.Failed} failed, {ExitCode.BadInput} bad input, {ExitCode.Interrupted} interrupted.";

    public override bool ClearsParseErrors => true;

    public static void InstallOn(RootCommand root)
    {
        root.Options.OfType<HelpOption>().Single().Action = new HelpText();
        root.SetAction(parsed => new HelpText().Invoke(parsed));
    }

    public override int Invoke(ParseResult parseResult)
    {
        int width = Console.IsOutputRedirected ? MaxWidth : Math.Clamp(Console.WindowWidth, 40, MaxWidth);
        int code = new HelpAction { MaxWidth = width }.Invoke(parseResult);
        TextWriter writer = parseResult.InvocationConfiguration.Output;
        foreach (string line in Wrap(Distillation, width).Concat(Wrap(ExitCodes, width)))
            writer.WriteLine(line);
        return code;
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        string line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = "";
            }

            line = line.Length == 0 ? word : $"{line} {word}";
        }

        yield return line;
    }
}

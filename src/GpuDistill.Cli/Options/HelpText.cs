using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace GpuDistill.Cli;

/// <summary>Help as System.CommandLine writes it, in readable lines, and below it what temperature and weights mean.</summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    public const string Distillation =
        "The temperature T softens the teacher's probabilities, softmax(logits / T), so that they tell more about the wrong classes; "
        + "the soft weight is what learning from them counts, the hard weight what learning from the correct labels counts.";

    private const int MaxWidth = 110;

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
        writer.WriteLine("Temperature and weights:");
        foreach (string line in Wrap(Distillation, width - 2))
            writer.WriteLine($"  {line}");
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

using System.CommandLine;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>One or more trained models whose averaged predictions are learnt from.</summary>
internal sealed class TeacherOptions
{
    private readonly Option<string[]> _teachers;

    private readonly Option<string> _mean = OptionFactory.Choice(
        "--mean", "KIND", "How several teachers are averaged, where geometric holds at every temperature and arithmetic at one only",
        "geometric", "geometric", "arithmetic");

    public TeacherOptions(bool required)
    {
        _teachers = new Option<string[]>("--teacher")
        {
            HelpName = "MODEL",
            Description = "The teacher: a model file, or the directory that train wrote; several for an ensemble.",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = true,
            Required = required,
        };
        _teachers.Validators.Add(result =>
        {
            HashSet<string> files = [];
            foreach (string path in result.Tokens.Select(token => token.Value))
            {
                if (string.IsNullOrWhiteSpace(path))
                    result.AddError("--teacher must not be empty.");
                else if (!files.Add(Path.GetFullPath(SavedModel.Locate(path, SavedModel.FileName))))
                    result.AddError($"--teacher {path} is given twice; the mean of an ensemble takes each model once.");
            }
        });
    }

    public const string TemperatureRange = "from 0.001 to 1000000";

    public Option<string[]> Teachers => _teachers;

    public Option<string> Mean => _mean;

    public TeacherOptions AddTo(Command command)
    {
        command.Add(_teachers);
        command.Add(_mean);
        return this;
    }

    /// <summary>What the kernels promise right results for.</summary>
    public static bool IsTemperature(float value) => value is >= 1e-3f and <= 1e6f;

    public IReadOnlyList<string> Paths(ParseResult parsed) => parsed.GetValue(_teachers) ?? [];

    public TeacherMeanKind MeanKind(ParseResult parsed)
    {
        if (Paths(parsed).Count < 2)
            parsed.RefuseWithout("two or more --teacher models", _mean);
        return Enum.Parse<TeacherMeanKind>(parsed.GetRequiredValue(_mean), ignoreCase: true);
    }
}

/// <summary>Trained models on a device.</summary>
internal sealed class TeacherModels : IDisposable
{
    private readonly List<Network> _networks = [];

    /// <summary>Loads models that must fit the images and each other.</summary>
    public TeacherModels(IReadOnlyList<string> paths, DistillDevice device, ImageDataset images)
    {
        try
        {
            foreach (string path in paths)
            {
                _networks.Add(SavedModel.Load(path, device, images));
                if (_networks[^1].Shape.Classes != _networks[0].Shape.Classes)
                {
                    throw new InputException(
                        $"{path}: the teacher {_networks[^1].Shape} has {_networks[^1].Shape.Classes} classes; {paths[0]} has {_networks[0].Shape.Classes}.");
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<Network> Networks => _networks;

    /// <summary>The teachers in a word or two.</summary>
    public string Description => _networks.Count == 1 ? _networks[0].Shape.ToString() : $"{_networks.Count} teachers";

    public void Dispose()
    {
        foreach (Network network in _networks)
            network.Dispose();
    }
}

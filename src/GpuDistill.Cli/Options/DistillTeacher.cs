using System.CommandLine;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>Where distill's teacher logits come from: models that are run, or a file that the logits command wrote.</summary>
internal sealed class DistillTeacher
{
    private readonly TeacherOptions _models = new(required: false);

    private readonly Option<string?> _logits = OptionFactory.Text(
        "--logits", "FILE", "Logits of the training images, instead of --teacher: what the logits command wrote, or a safetensors file of another tool "
        + "with a tensor 'logits' [images x classes] (F16, BF16, F32 or F64), a row for each training image in their order.");

    public DistillTeacher AddTo(Command command)
    {
        _models.AddTo(command);
        command.Add(_logits);
        return this;
    }

    /// <summary>Refuses what does not go together, before anything is loaded.</summary>
    public void Check(ParseResult parsed, DistillationOptions? soft)
    {
        bool models = parsed.IsGiven(_models.Teachers);
        if (models == parsed.IsGiven(_logits))
            throw new InputException("Give either --teacher MODEL... or --logits FILE.");
        if (!models)
            parsed.RefuseWithout("--teacher", _models.Mean);
        else if (_models.MeanKind(parsed) == TeacherMeanKind.Arithmetic && soft is null)
            throw new InputException("--mean arithmetic holds at one temperature; --objective logit-matching needs --mean geometric.");
    }

    /// <summary>The files that are read.</summary>
    public IEnumerable<InputFile> Inputs(ParseResult parsed)
    {
        foreach (string path in _models.Paths(parsed))
            yield return new InputFile("--teacher", SavedModel.Locate(path, SavedModel.FileName));
        if (parsed.GetValue(_logits) is { } logits)
            yield return new InputFile("--logits", SavedModel.Locate(logits, LogitsCommand.FileName));
    }

    /// <summary>The logits for all training images, fit for this student.</summary>
    public TeacherLogits Load(
        ParseResult parsed, Session session, CommandOutput console, ResidentImages images, DistillationOptions? soft, NetworkShape student)
    {
        if (parsed.GetValue(_logits) is { } path)
        {
            string file = SavedModel.Locate(path, LogitsCommand.FileName);
            TeacherLogits stored = Read(file, images, soft, student);
            console.Say(images.Device.Choice);
            if (stored.ImagesHash is null)
                console.Caution($"{file} does not say which images its logits belong to; they are taken for those of '{images.Dataset.Name}'.");
            return stored;
        }

        IReadOnlyList<string> paths = _models.Paths(parsed);
        using TeacherModels models = new(paths, images.Device, images.Dataset);
        int classes = models.Networks[0].Shape.Classes;
        if (classes != student.Classes)
            throw new InputException($"{paths[0]}: the teacher {models.Networks[0].Shape} has {classes} classes; --student {student} has {student.Classes}.");
        console.Say(images.Device.Choice);
        PhaseBoard board = new();
        Phase phase = board.Add("Teacher logits", models.Description);
        TeacherLogits? logits = null;
        console.Watch(board, () => board.Run(phase, () => logits = TeacherLogits.Compute(
            models.Networks, images, _models.MeanKind(parsed), soft?.Temperature ?? 1, board, session.Cancellation)));
        return logits!;
    }

    private static TeacherLogits Read(string path, ResidentImages images, DistillationOptions? soft, NetworkShape student)
    {
        TeacherLogits logits = TeacherLogits.Load(images.Device, path);
        string? problem =
            logits.Classes != student.Classes ? $"it holds logits of {logits.Classes} classes; --student {student} has {student.Classes}"
            : logits.Rows != images.Count ? $"it holds logits of {logits.Rows} rows; '{images.Dataset.Name}' has {images.Count} images"
            : logits.ImagesHash is { } hash && hash != images.Dataset.PixelHash
                ? $"it holds the logits of other images than '{images.Dataset.Name}' (of {hash}, not {images.Dataset.PixelHash})"
            : logits.Temperature is not { } only ? null
            : soft is null ? $"it holds an arithmetic mean at T = {only}; --objective logit-matching needs a geometric one"
            : soft.Temperature != only ? $"it holds an arithmetic mean at T = {only}; --temperature is {soft.Temperature}"
            : null;
        if (problem is null)
            return logits;
        logits.Dispose();
        throw new InputException($"{path}: {problem}.");
    }
}

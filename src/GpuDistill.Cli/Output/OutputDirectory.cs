namespace GpuDistill.Cli;

/// <summary>
/// A directory for results, and the one rule of all commands that write there: a run replaces no finished work of an earlier one, nor
/// the checkpoint of an unfinished one, unless it was asked to. A failure never leaves half a file, nor a directory made for nothing.
/// </summary>
internal sealed class OutputDirectory : IDisposable
{
    private readonly string _path;
    private readonly OutputFiles _files;
    private readonly List<string> _made;
    private bool _replaces = true;

    private OutputDirectory(string path, OutputFiles files, List<string> made) => (_path, _files, _made) = (path, files, made);

    /// <summary>Makes the directory if need be, and finds out whether the files can be written to it and replace nothing.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="files">What the command may write.</param>
    /// <param name="overwrite">Whether work of an earlier run may be replaced.</param>
    /// <param name="inputs">What the command reads, which it never replaces.</param>
    public static OutputDirectory Open(string path, OutputFiles files, bool overwrite, params IEnumerable<InputFile> inputs)
    {
        if (File.Exists(path))
            throw new InputException($"--output {path}: it is a file; a directory is needed.");
        foreach (string name in files.All)
        {
            if (Directory.Exists(Path.Combine(path, name)))
                throw new InputException($"--output {path}: {name} in it is a directory; a file of that name is to be written.");
        }

        bool goesOn = false;
        foreach (InputFile input in inputs)
        {
            string? name = files.All.FirstOrDefault(name => IsSame(Path.Combine(path, name), input.Path));
            if (input.Option == "--resume" && name == files.Checkpoint)
                goesOn |= name is not null;
            else if (name is not null)
                throw new InputException($"--output {path}: {name} in it is what {input.Option} reads, and would be replaced; give another --output.");
        }

        if (!overwrite)
            RefuseEarlier(path, files, goesOn);
        List<string> made = Missing(path);
        Try(path, "cannot be made", () => Directory.CreateDirectory(path));
        OutputDirectory directory = new(path, files, made);
        string probe = Path.Combine(path, $".gpudistill-{Environment.ProcessId}.tmp");
        try
        {
            Try(path, "cannot be written to", () =>
            {
                File.Create(probe).Dispose();
                File.Delete(probe);
            });
            return directory;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    public string PathOf(string name) => Path.Combine(_path, name);

    /// <summary>The path of a file that is about to be written. With the first finished one, those of an earlier run go: none is ever taken for this run's.</summary>
    public string Place(string name)
    {
        if (_replaces && _files.Finished.Contains(name))
        {
            _replaces = false;
            foreach (string earlier in _files.Finished)
                File.Delete(PathOf(earlier));
        }

        return PathOf(name);
    }

    /// <summary>Writes a result as JSON.</summary>
    /// <returns>The file's path.</returns>
    public string WriteJson<T>(string name, T result)
    {
        string path = Place(name);
        WholeFile.WriteText(path, JsonText.Of(result));
        return path;
    }

    /// <summary>Writes a network.</summary>
    /// <returns>The file's path.</returns>
    public string WriteModel(string name, Network network)
    {
        string path = Place(name);
        ModelFile.Save(network, path);
        return path;
    }

    /// <summary>Removes directories that were made for this run, if nothing was written to them.</summary>
    public void Dispose()
    {
        foreach (string path in _made)
        {
            if (!Directory.Exists(path) || Directory.EnumerateFileSystemEntries(path).Any())
                return;
            Directory.Delete(path);
        }
    }

    private static void RefuseEarlier(string path, OutputFiles files, bool goesOn)
    {
        string[] finished = [.. files.Finished.Where(name => File.Exists(Path.Combine(path, name)))];
        if (finished.Length > 0)
        {
            throw new InputException(
                $"--output {path}: {string.Join(", ", finished)} of an earlier run {(finished.Length > 1 ? "are" : "is")} there; give another --output, or --overwrite.");
        }

        if (files.Checkpoint is { } checkpoint && !goesOn && File.Exists(Path.Combine(path, checkpoint)))
        {
            throw new InputException(
                $"--output {path}: {checkpoint} of an unfinished run is there; go on with --resume {path}, give another --output, or --overwrite to begin anew.");
        }

        string[] unfinished = files.Checkpoint is null ? [.. files.Unfinished.Where(name => File.Exists(Path.Combine(path, name)))] : [];
        if (unfinished.Length > 0)
        {
            throw new InputException(
                $"--output {path}: {string.Join(", ", unfinished)} of an interrupted run {(unfinished.Length > 1 ? "are" : "is")} there; give another --output, or --overwrite.");
        }
    }

    // The directory and those above it that are not there yet, the lowest first.
    private static List<string> Missing(string path)
    {
        List<string> missing = [];
        for (string? at = Path.GetFullPath(path).TrimEnd(Path.DirectorySeparatorChar); at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            missing.Add(at);
        return missing;
    }

    private static bool IsSame(string first, string second) => Real(first) == Real(second);

    // Through a link to the file or to its directory: enough for the links that people make.
    private static string Real(string path)
    {
        string full = Path.GetFullPath(path);
        if (!File.Exists(full))
            return full;
        full = File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        string directory = Path.GetDirectoryName(full)!;
        return Path.Combine(Directory.ResolveLinkTarget(directory, returnFinalTarget: true)?.FullName ?? directory, Path.GetFileName(full));
    }

    // What the system says names the file it stumbled over, which is none of the user's.
    private static void Try(string path, string failure, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string reason = exception switch
            {
                UnauthorizedAccessException => "permission denied",
                FileNotFoundException or DirectoryNotFoundException => "not possible at this place",
                _ => exception.Message.Split(" : '")[0].ReplaceLineEndings(" ").TrimEnd('.'),
            };
            throw new InputException($"--output {path}: the directory {failure} ({reason}).");
        }
    }
}

/// <summary>What a command may write.</summary>
/// <param name="Finished">Finished work, which another run does not replace unless asked.</param>
internal sealed record OutputFiles(params IReadOnlyList<string> Finished)
{
    /// <summary>What an unfinished run can be gone on with; null where there is no such thing.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>What an unfinished run leaves; beside a checkpoint nothing is lost with it.</summary>
    public IReadOnlyList<string> Unfinished { get; init; } = [];

    /// <summary>All names.</summary>
    public IEnumerable<string> All => [.. Finished, .. Checkpoint is null ? (string[])[] : [Checkpoint], .. Unfinished];
}

/// <summary>A file that a command reads.</summary>
/// <param name="Option">The option that names it.</param>
/// <param name="Path">The file.</param>
internal sealed record InputFile(string Option, string Path);

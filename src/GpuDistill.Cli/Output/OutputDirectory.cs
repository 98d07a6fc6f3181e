namespace GpuDistill.Cli;

/// <summary>A directory for results. Files are written beside their place and moved there, so that a failure never leaves half of one.</summary>
internal sealed class OutputDirectory
{
    private readonly string _path;

    private OutputDirectory(string path) => _path = path;

    /// <summary>Makes the directory if need be, and finds out whether files of the given names can be written to it.</summary>
    public static OutputDirectory Open(string path, params IEnumerable<string> names)
    {
        if (File.Exists(path))
            throw new InputException($"--output {path}: it is a file; a directory is needed.");
        Try(path, "cannot be made", () => Directory.CreateDirectory(path));
        string probe = Path.Combine(path, $".gpudistill-{Environment.ProcessId}.tmp");
        Try(path, "cannot be written to", () =>
        {
            File.Create(probe).Dispose();
            File.Delete(probe);
        });
        foreach (string name in names)
        {
            if (Directory.Exists(Path.Combine(path, name)))
                throw new InputException($"--output {path}: {name} in it is a directory; a file of that name is to be written.");
        }

        return new OutputDirectory(path);
    }

    public string PathOf(string name) => Path.Combine(_path, name);

    /// <summary>Writes a result as JSON.</summary>
    /// <returns>The file's path.</returns>
    public string WriteJson<T>(string name, T result)
    {
        string path = PathOf(name);
        string temporary = path + ".tmp";
        File.WriteAllText(temporary, JsonText.Of(result));
        File.Move(temporary, path, overwrite: true);
        return path;
    }

    /// <summary>Writes a network.</summary>
    /// <returns>The file's path.</returns>
    public string WriteModel(string name, Network network)
    {
        string path = PathOf(name);
        ModelFile.Save(network, path);
        return path;
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

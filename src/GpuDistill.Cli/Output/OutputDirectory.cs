namespace GpuDistill.Cli;

/// <summary>A directory for results. Files are written beside their place and moved there, so that a failure never leaves half of one.</summary>
internal sealed class OutputDirectory
{
    private readonly string _path;

    private OutputDirectory(string path) => _path = path;

    public static OutputDirectory Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            string probe = Path.Combine(path, $".gpudistill-{Environment.ProcessId}.tmp");
            File.Create(probe).Dispose();
            File.Delete(probe);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InputException($"--output {path}: {exception.Message.ReplaceLineEndings(" ")}");
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
}

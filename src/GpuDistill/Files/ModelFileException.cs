namespace GpuDistill;

/// <summary>A model or logits file that cannot be used; the message names the file and says what is wrong with it.</summary>
public sealed class ModelFileException : IOException
{
    /// <summary>An exception about the file at <paramref name="path"/>.</summary>
    public ModelFileException(string path, string problem)
        : base($"{path}: {problem}.") => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }
}

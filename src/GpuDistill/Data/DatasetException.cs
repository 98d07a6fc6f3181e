namespace GpuDistill;

/// <summary>A data file that is missing, damaged or not what it should be. The message is one line that names the file.</summary>
public sealed class DatasetException : IOException
{
    /// <summary>An exception about a file.</summary>
    /// <param name="file">The file, as the reader was given it.</param>
    /// <param name="problem">What is wrong with it, and what would be right.</param>
    /// <param name="innerException">What was thrown first, if anything.</param>
    public DatasetException(string file, string problem, Exception? innerException = null)
        : base($"{file}: {problem}", innerException) => File = file;

    /// <summary>The file.</summary>
    public string File { get; }
}

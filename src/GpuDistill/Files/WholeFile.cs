namespace GpuDistill;

/// <summary>
/// Files that are there in full or not at all: written beside their place, flushed to the disk and moved. What a failure has
/// written so far is removed, so that a full disk gets its room back.
/// </summary>
internal static class WholeFile
{
    public static void Write(string path, Action<FileStream> write)
    {
        string temporary = path + ".tmp";
        try
        {
            using (FileStream stream = File.Create(temporary))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            Remove(temporary);
            throw;
        }
    }

    public static void WriteText(string path, string text) =>
        Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    // The first failure is the one to tell of.
    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }
}

namespace GpuDistill.Cli;

/// <summary>Bad arguments or input. The message is one sentence that names the option, the file or the row.</summary>
internal sealed class InputException(string message) : Exception(message);

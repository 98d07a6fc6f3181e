namespace GpuDistill;

/// <summary>A device was asked for by a name that no device here has. The message, one line, lists those that are here.</summary>
public sealed class DeviceNotFoundException : Exception
{
    /// <summary>An exception with a message of its own.</summary>
    public DeviceNotFoundException(string message)
        : base(message)
    {
    }

    internal DeviceNotFoundException(string name, IEnumerable<DeviceInfo> here)
        : base($"There is no device '{name}'. Here there are: {string.Join(", ", here)}. "
            + "Names are auto, cpu, cuda, cuda:N, opencl, opencl:N.")
    {
    }
}

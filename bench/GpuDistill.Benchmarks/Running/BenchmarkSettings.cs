using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Running;

/// <summary>
/// The options that are not BenchmarkDotNet's: <c>--device</c> and <c>--variant</c>. They reach the processes that it starts, one
/// for each benchmark, as environment variables.
/// </summary>
internal static class BenchmarkSettings
{
    private const string DeviceVariable = "GPUDISTILL_BENCH_DEVICE";
    private const string VariantVariable = "GPUDISTILL_BENCH_VARIANT";
    private const string YardstickVariable = "GPUDISTILL_BENCH_YARDSTICK";

    /// <summary>The file in which benchmarks leave the copy bandwidth that they measured.</summary>
    public static string YardstickFile => Environment.GetEnvironmentVariable(YardstickVariable)
        ?? throw new InvalidOperationException("The benchmarks are started by their own program.");

    /// <summary>Opens the device that was asked for.</summary>
    public static DistillDevice OpenDevice() => DistillDevice.Open(
        Environment.GetEnvironmentVariable(DeviceVariable) ?? "auto",
        Enum.Parse<KernelVariant>(Environment.GetEnvironmentVariable(VariantVariable) ?? nameof(KernelVariant.Auto), ignoreCase: true));

    /// <summary>Takes the two options out of the arguments; null, with a message, where the device is not to be had.</summary>
    public static string[]? Take(string[] arguments)
    {
        List<string> rest = [];
        for (int i = 0; i < arguments.Length; i++)
        {
            string? variable = arguments[i] switch
            {
                "--device" => DeviceVariable,
                "--variant" => VariantVariable,
                _ => null,
            };
            if (variable is null)
            {
                rest.Add(arguments[i]);
                continue;
            }

            if (++i == arguments.Length)
                return Fail($"{arguments[i - 1]} needs a value.");
            if (variable == VariantVariable && !Enum.TryParse<KernelVariant>(arguments[i], ignoreCase: true, out _))
                return Fail($"There is no variant '{arguments[i]}'. There are {string.Join(", ", Enum.GetNames<KernelVariant>())}.");
            Environment.SetEnvironmentVariable(variable, arguments[i]);
        }

        Environment.SetEnvironmentVariable(YardstickVariable, Path.GetTempFileName());
        try
        {
            using DistillDevice device = OpenDevice();
            Console.WriteLine($"{device.Choice} {device.Info.Details}");
        }
        catch (Exception exception) when (exception is DeviceNotFoundException or NotSupportedException or InvalidOperationException)
        {
            return Fail(exception.Message);
        }

        return [.. rest];
    }

    private static string[]? Fail(string message)
    {
        Console.Error.WriteLine(message);
        return null;
    }
}

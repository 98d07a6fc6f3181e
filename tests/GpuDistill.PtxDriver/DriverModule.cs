using System.Globalization;
using System.Text.RegularExpressions;
using GpuDistill.PtxMachine;

namespace GpuDistill.PtxDriver;

/// <summary>A loaded text with one kernel.</summary>
internal sealed partial class DriverModule
{
    private DriverModule(Program program) => Program = program;

    public Program Program { get; }

    /// <exception cref="DriverException">The text is for another device or a newer driver, or is not understood.</exception>
    public static DriverModule Load(string ptx)
    {
        Match header = Header().Match(ptx);
        if (!header.Success)
            throw new DriverException(Result.InvalidPtx, "the text has no .version and .target");
        decimal version = decimal.Parse(header.Groups["version"].Value, CultureInfo.InvariantCulture);
        int target = int.Parse(header.Groups["target"].Value, CultureInfo.InvariantCulture);
        bool isParticular = header.Groups["particular"].Length > 0;
        if (version > Device.PtxVersion)
            throw new DriverException(Result.InvalidPtx, $"PTX {version} is newer than this driver's {Device.PtxVersion}");
        if (target > Device.Architecture || (isParticular && target != Device.Architecture))
            throw new DriverException(Result.InvalidPtx, $"sm_{target} is not what this device is, sm_{Device.Architecture}");
        if (!isParticular && Particular().IsMatch(ptx))
            throw new DriverException(Result.InvalidPtx, "instructions of sm_90a in a text for another target");
        try
        {
            // The text does not say which kernels drop what racing reads find: here all may, and the test device "ptx" tells them apart.
            return new DriverModule(Program.Of(ptx, dropsRacingReads: true, errs: true));
        }
        catch (Exception refusal) when (refusal is FormatException or NotSupportedException)
        {
            throw new DriverException(Result.InvalidPtx, refusal.Message);
        }
    }

    [GeneratedRegex(@"\.version (?<version>\d+\.\d+)\s+\.target sm_(?<target>\d+)(?<particular>a?)\b")]
    private static partial Regex Header();

    [GeneratedRegex(@"\bwgmma\.")]
    private static partial Regex Particular();
}

/// <summary>A kernel of a module, as it may be launched.</summary>
internal sealed class DriverFunction(Program program)
{
    // What every kernel may have.
    private const int WithoutAsking = 48 * 1024;

    /// <summary>The bytes of dynamic shared memory that it may be launched with.</summary>
    public int MostDynamicBytes { get; private set; } = WithoutAsking;

    public void AllowDynamicBytes(int bytes)
    {
        if (bytes < 0 || bytes + StaticBytes > Device.MostSharedBytes)
            throw new DriverException(Result.InvalidValue, $"{bytes} and {StaticBytes} bytes of shared memory, and a group has {Device.MostSharedBytes}");
        MostDynamicBytes = bytes;
    }

    /// <summary>What a launch does, its arguments read by now.</summary>
    public Action Launch(DriverContext context, int groups, int threads, int dynamicBytes, ReadOnlySpan<byte> arguments)
    {
        if (groups <= 0)
            throw new DriverException(Result.InvalidValue, $"{program.Name}: {groups} groups");
        int most = Math.Min(program.MostThreads ?? Device.MostThreads, Device.MostThreads);
        if (threads <= 0 || threads > most)
            throw new DriverException(Result.InvalidValue, $"{program.Name}: groups of {threads} threads, and it may have {most}");
        if (dynamicBytes < 0 || dynamicBytes > MostDynamicBytes || dynamicBytes + StaticBytes > Device.MostSharedBytes)
            throw new DriverException(Result.InvalidValue, $"{program.Name}: {dynamicBytes} bytes of dynamic shared memory, and it may have {MostDynamicBytes}");
        if (arguments.Length != program.ParameterBytes)
            throw new DriverException(Result.InvalidValue, $"{program.Name}: {arguments.Length} bytes of arguments, and it takes {program.ParameterBytes}");
        byte[] parameters = arguments.ToArray();
        return () =>
        {
            try
            {
                ThreadGrid.Run(program, groups, threads, dynamicBytes, parameters, context.Memory.Global, isBackwards: true);
            }
            catch (PtxFault fault)
            {
                throw new PtxFault($"{program.Name}, {fault.Message}");
            }
        };
    }

    private int StaticBytes => program.DynamicSharedStart - Program.SharedStart;
}

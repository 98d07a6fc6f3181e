using System.Globalization;

namespace GpuDistill;

/// <summary>Turns a name into the devices to try, in order. Pure: what there is comes in as a list.</summary>
internal static class DeviceSelection
{
    public const string Auto = "auto";

    public static bool IsAuto(string name) => Normal(name) == Auto;

    /// <summary>
    /// The devices that a name may mean, best first. <c>auto</c>: CUDA, then OpenCL GPUs, then the CPU. An OpenCL device that
    /// is itself the CPU is never taken by auto, since the SIMD variants use the same cores better; it can be asked for by
    /// name. <c>opencl</c> without a number prefers a GPU too.
    /// </summary>
    /// <param name="name">auto, cpu, cuda, cuda:N, opencl or opencl:N, in any case.</param>
    /// <param name="candidates">What is here.</param>
    /// <param name="cpuOnly">The forced variant runs on the CPU accelerator only, so auto looks at nothing else.</param>
    /// <exception cref="DeviceNotFoundException">Nothing here has that name.</exception>
    public static IReadOnlyList<DeviceCandidate> Rank(string name, IReadOnlyList<DeviceCandidate> candidates, bool cpuOnly)
    {
        string wanted = Normal(name);
        if (wanted == Auto)
            return [.. candidates.Where(c => c.Info.Kind == "cpu" || (c.IsGpu && !cpuOnly)).OrderBy(c => Order(c.Info.Kind))];

        if (wanted == "cpu:0")
            wanted = "cpu"; // there is one, numbered like the others' first
        (string kind, int? index) = Split(wanted);
        DeviceCandidate? found = index is { } number
            ? candidates.FirstOrDefault(c => c.Info.Selector == string.Create(CultureInfo.InvariantCulture, $"{kind}:{number}"))
            : candidates.Where(c => c.Info.Kind == kind).OrderByDescending(c => c.IsGpu).FirstOrDefault();
        return found is null ? throw new DeviceNotFoundException(name, candidates.Select(c => c.Info)) : [found];
    }

    /// <summary>One sentence on why this device was taken.</summary>
    /// <param name="name">The name as given.</param>
    /// <param name="taken">The device that opened.</param>
    /// <param name="candidates">What is here.</param>
    /// <param name="cpuOnly">As for <see cref="Rank"/>.</param>
    /// <param name="failures">Devices that came before it and did not open, with the reason.</param>
    public static string Explain(
        string name, DeviceInfo taken, IReadOnlyList<DeviceCandidate> candidates, bool cpuOnly, IReadOnlyList<string> failures)
    {
        if (!IsAuto(name))
            return $"{taken} was asked for by name.";
        string reason = taken.Kind switch
        {
            _ when failures.Count > 0 => string.Join("; ", failures),
            "cuda" => "CUDA comes before OpenCL and the CPU",
            "opencl" => "there is no CUDA device, and an OpenCL GPU comes before the CPU",
            _ when cpuOnly => "the variant asked for runs on the CPU only",
            _ when candidates.Any(c => c.Info.Kind == "opencl") =>
                "there is no GPU, and OpenCL offers nothing faster than the CPU variants",
            _ => "there is no CUDA device and no OpenCL GPU",
        };
        return $"auto took {taken}: {reason}.";
    }

    private static string Normal(string name) => name.Trim().ToLowerInvariant();

    private static int Order(string kind) => kind == "cuda" ? 0 : kind == "opencl" ? 1 : 2;

    // A number that is none leaves the whole text as the kind, which nothing has.
    private static (string Kind, int? Index) Split(string wanted)
    {
        int colon = wanted.IndexOf(':', StringComparison.Ordinal);
        bool numbered = int.TryParse(wanted.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int index);
        return colon > 0 && numbered ? (wanted[..colon], index) : (wanted, null);
    }
}

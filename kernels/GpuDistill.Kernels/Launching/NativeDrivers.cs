using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Lets ILGPU find the drivers of a machine without development packages. It asks for <c>libOpenCL.so</c> and
/// <c>libcuda.so</c>, names that only those packages install; a driver alone brings the versioned file.
/// </summary>
internal static class NativeDrivers
{
    private static readonly Lazy<bool> Installed = new(Install);

    /// <summary>Installs the resolver, once per process; false if the host program had already set its own.</summary>
    public static bool Prepare() => Installed.Value;

    /// <summary>The versioned file to try for a library that ILGPU asks for, or null.</summary>
    internal static string? VersionedName(string library)
    {
        string name = library.EndsWith(".so", StringComparison.Ordinal) ? library[..^3] : library;
        return name switch
        {
            "OpenCL" or "libOpenCL" => "libOpenCL.so.1",
            "cuda" or "libcuda" => "libcuda.so.1",
            _ => null,
        };
    }

    private static bool Install()
    {
        if (!OperatingSystem.IsLinux())
            return true;
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, Resolve);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false; // an assembly takes one resolver only, and the host program's comes first
        }
    }

    // Zero hands the search back to the runtime, which then reports a missing library in its own words.
    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? path)
    {
        if (VersionedName(library) is not { } versioned)
            return 0;
        // The versioned name first: behind the other may be a toolkit's stub.
        return NativeLibrary.TryLoad(versioned, out nint handle) || NativeLibrary.TryLoad(library, assembly, path, out handle)
            ? handle
            : 0;
    }
}

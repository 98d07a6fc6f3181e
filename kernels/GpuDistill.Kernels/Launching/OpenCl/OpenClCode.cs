using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace GpuDistill.Kernels;

/// <summary>Where kernels have their sub-groups from.</summary>
internal enum OpenClSubGroups
{
    /// <summary>There are none: a sub-group is one thread.</summary>
    None,

    /// <summary>From the device, which must have them.</summary>
    Own,

    /// <summary>
    /// For tests, on any device: <see cref="OpenClCode.EmulatedSize"/> neighbours that exchange values through local memory. All sub-groups
    /// of a group must do so together, as the kernels do.
    /// </summary>
    Emulated,
}

/// <summary>
/// OpenCL code as it should be: a backend of the library's own, with what ILGPU's cannot write (<see cref="OpenClIntrinsics"/>), and the
/// kernels that it compiled, one for an accelerator.
/// </summary>
/// <remarks>
/// ILGPU 1.5.3 writes a group's barrier with a fence for global memory alone, behind which a device need not show a group what its threads
/// wrote to local memory: OpenCL C makes visible what the flags say and no more. Here it has both. The text is one of ILGPU's internals;
/// where another version keeps it elsewhere or writes it in another way, a kernel does not load.
/// </remarks>
internal sealed class OpenClCode : IDisposable
{
    /// <summary>The fences of a barrier behind which threads see all that the others wrote.</summary>
    public const string BothMemories = "CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE";

    /// <summary>Threads of an emulated sub-group.</summary>
    public const int EmulatedSize = 32;

    // With what follows it: the bracket of a group's barrier, or the scope of a fence.
    private const string BarrierOfIlgpu = "work_group_barrier ( CLK_GLOBAL_MEM_FENCE";

    private static readonly ConditionalWeakTable<CLBackend, OpenClCode> Codes = [];
    private static readonly ConditionalWeakTable<CLAccelerator, OpenClCode> CodeOfAccelerators = [];

    private readonly CLAccelerator _accelerator;
    private readonly CLBackend _backend;
    private readonly ConcurrentDictionary<MethodInfo, Delegate> _kernels = new();

    /// <param name="accelerator">The device.</param>
    /// <param name="subGroups">The sub-groups that kernels use.</param>
    public OpenClCode(CLAccelerator accelerator, OpenClSubGroups subGroups)
    {
        _accelerator = accelerator;
        SubGroups = subGroups;
        Exchange = subGroups == OpenClSubGroups.Own ? ExchangeOf(accelerator.Device) : null;
        OpenClIntrinsics.Register(accelerator.Context);
        _backend = new CLBackend(accelerator.Context, accelerator.Capabilities, accelerator.Vendor, accelerator.CLStdVersion);
        Codes.Add(_backend, this);
    }

    /// <summary>The sub-groups that kernels use.</summary>
    public OpenClSubGroups SubGroups { get; }

    /// <summary>The device's function that exchanges values within a sub-group, where it is used.</summary>
    public string? Exchange { get; }

    /// <summary>The code of a backend that was made here.</summary>
    public static OpenClCode Of(CLBackend backend) => Codes.TryGetValue(backend, out OpenClCode? code)
        ? code
        : throw new NotSupportedException("A kernel of this library was compiled by another backend.");

    /// <summary>An accelerator's code, the same at every call, with sub-groups where they suit it and are found to be what it says.</summary>
    public static OpenClCode For(CLAccelerator accelerator) => CodeOfAccelerators.GetValue(accelerator, Choose);

    /// <summary>
    /// Whether a device should be faster with sub-groups: a GPU that has them. A processor emulates them: in PoCL each exchange is a pass
    /// through memory with a barrier, as a tree's step is, and it does not compile all kernels that have them.
    /// </summary>
    public static bool Suit(CLDevice device) =>
        device.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU) && HasSubGroups(device);

    /// <summary>Whether a device says that values can be exchanged within its sub-groups.</summary>
    public static bool HasSubGroups(CLDevice device) => ExchangeOf(device) is not null;

    /// <summary>Compiles for the device.</summary>
    public CLCompiledKernel Compile(MethodInfo kernel)
    {
        var compiled = (CLCompiledKernel)_backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
        string source = compiled.Source.Replace(BarrierOfIlgpu, $"work_group_barrier({BothMemories}", StringComparison.Ordinal);
        if (source.Contains("work_group_barrier (", StringComparison.Ordinal))
            throw new NotSupportedException("This version of ILGPU writes barriers in another way, behind which local memory may not be seen.");
        Source(compiled) = source;
        return compiled;
    }

    /// <summary>Loads a kernel on the device, once.</summary>
    public Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel)
        where TArguments : struct =>
        (Action<AcceleratorStream, KernelConfig, TArguments>)_kernels.GetOrAdd(kernel.Method, method => _accelerator
            .LoadKernel(Compile(method))
            .CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TArguments>>());

    /// <summary>Whether the device's sub-groups are what it says.</summary>
    internal bool ProbesSubGroups()
    {
        int size = Math.Min(RowTeam.MaxGroupSize, _accelerator.MaxNumThreadsPerGroup);
        using MemoryBuffer1D<int, Stride1D.Dense> wrong = _accelerator.Allocate1D<int>(size);
        try
        {
            Load<ArrayView<int>>(SubGroup.ProbeKernel)(_accelerator.DefaultStream, new KernelConfig(1, size), wrong.View);
        }
        catch (CLException)
        {
            return false; // the driver does not compile it
        }

        return wrong.GetAsArray1D().All(differences => differences == 0);
    }

    /// <summary>Not of an accelerator's own code, which is there as long as it.</summary>
    public void Dispose() => _backend.Dispose();

    private static OpenClCode Choose(CLAccelerator accelerator)
    {
        if (Suit(accelerator.Device))
        {
            OpenClCode code = new(accelerator, OpenClSubGroups.Own);
            if (code.ProbesSubGroups())
                return code;
            code.Dispose();
        }

        return new OpenClCode(accelerator, OpenClSubGroups.None);
    }

    private static string? ExchangeOf(CLDevice device) =>
        device.HasExtension("cl_khr_subgroup_shuffle") ? "sub_group_shuffle_xor"
        : device.HasExtension("cl_intel_subgroups") ? "intel_sub_group_shuffle_xor"
        : null;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Source>k__BackingField")]
    private static extern ref string Source(CLCompiledKernel kernel);
}

using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace GpuDistill.Kernels;

/// <summary>
/// OpenCL code with what ILGPU's backend cannot write: how calls of <see cref="SubGroup"/> (ILGPU 1.5.3 knows Intel's only) and the
/// conversions of <see cref="HalfStorage"/> (its own half precision needs fp16) are written in OpenCL C.
/// </summary>
/// <remarks>
/// A backend takes over its context's handlers when it is made, so this one, made after they were registered, has them however the
/// context was built. All of it is public in ILGPU.
/// </remarks>
internal sealed class OpenClCode : IDisposable
{
    private static readonly Lock Registration = new();
    private static readonly ConditionalWeakTable<IntrinsicImplementationManager, object> Registered = [];
    private static readonly ConditionalWeakTable<CLBackend, OpenClCode> Codes = [];

    private readonly CLAccelerator _accelerator;
    private readonly CLBackend _backend;

    // The function that exchanges values within a sub-group, or null where sub-groups are not used.
    private readonly string? _exchange;

    /// <param name="accelerator">The device.</param>
    /// <param name="subGroups">Whether kernels use sub-groups; the device must have them.</param>
    public OpenClCode(CLAccelerator accelerator, bool subGroups)
    {
        _accelerator = accelerator;
        _exchange = subGroups ? ExchangeOf(accelerator.Device) : null;
        IntrinsicImplementationManager manager = accelerator.Context.GetIntrinsicManager();
        lock (Registration)
        {
            if (Registered.TryAdd(manager, Registered))
                Register(manager);
        }

        _backend = new CLBackend(accelerator.Context, accelerator.Capabilities, accelerator.Vendor, accelerator.CLStdVersion);
        Codes.Add(_backend, this);
    }

    /// <summary>Whether kernels use sub-groups.</summary>
    public bool UsesSubGroups => _exchange is not null;

    /// <summary>The code for a device, with sub-groups where they suit it and are found to be what it says.</summary>
    public static OpenClCode For(CLAccelerator accelerator)
    {
        if (Suit(accelerator.Device))
        {
            OpenClCode code = new(accelerator, subGroups: true);
            if (code.ProbesSubGroups())
                return code;
            code.Dispose();
        }

        return new OpenClCode(accelerator, subGroups: false);
    }

    /// <summary>
    /// Whether a device should be faster with sub-groups: a GPU that has them. A processor emulates them: in PoCL each exchange is a pass
    /// through memory with a barrier, as a tree's step is, and it does not compile all kernels that have them.
    /// </summary>
    public static bool Suit(CLDevice device) =>
        device.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU) && HasSubGroups(device);

    /// <summary>Whether a device says that values can be exchanged within its sub-groups.</summary>
    public static bool HasSubGroups(CLDevice device) => ExchangeOf(device) is not null;

    /// <summary>Compiles for the device.</summary>
    public CLCompiledKernel Compile(MethodInfo kernel) =>
        (CLCompiledKernel)_backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);

    /// <summary>Loads a kernel on the device.</summary>
    public Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel)
        where TArguments : struct =>
        _accelerator.LoadKernel(Compile(kernel.Method)).CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TArguments>>();

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

    public void Dispose() => _backend.Dispose();

    private static string? ExchangeOf(CLDevice device) =>
        device.HasExtension("cl_khr_subgroup_shuffle") ? "sub_group_shuffle_xor"
        : device.HasExtension("cl_intel_subgroups") ? "intel_sub_group_shuffle_xor"
        : null;

    private static void Register(IntrinsicImplementationManager manager)
    {
        Register(typeof(SubGroup).GetProperty(nameof(SubGroup.Size))!.GetMethod!, nameof(WriteSubGroupSize));
        foreach (Type value in (Type[])[typeof(float), typeof(int)])
            Register(typeof(SubGroup).GetMethod(nameof(SubGroup.Exchange), [value, typeof(int)])!, nameof(WriteExchange));
        Register(typeof(SubGroup).GetMethod(nameof(SubGroup.Barrier))!, nameof(WriteBarrier));
        Register(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Widen))!, nameof(WriteHalfToFloat));
        Register(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Round))!, nameof(WriteFloatToHalf));
        Register(typeof(HalfStorage).GetMethod(nameof(HalfStorage.RoundTwo))!, nameof(WriteFloatsToHalf));
        Register(typeof(BFloat16Storage).GetMethod(nameof(BFloat16Storage.RoundTwo))!, nameof(WriteFloatsToBFloat16));

        void Register(MethodInfo method, string handler) =>
            manager.RegisterMethod(method, new CLIntrinsic(typeof(OpenClCode), handler, IntrinsicImplementationMode.GenerateCode));
    }

    // The largest in the launch: the same in every thread, and that of all sub-groups of a group that it divides. A size that is no power
    // of two (no device is known to have one) counts as none.
    private static void WriteSubGroupSize(CLBackend backend, CLCodeGenerator code, Value call)
    {
        const string Size = "(int)get_max_sub_group_size()";
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement(code.Allocate(call));
        statement.AppendCommand(Of(backend).UsesSubGroups ? $"popcount({Size}) == 1 ? {Size} : 1" : "1");
    }

    private static void WriteExchange(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLCodeGenerator.Variable value = code.Load(call[0]);
        CLCodeGenerator.Variable mask = code.Load(call[1]);
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement(code.Allocate(call));
        if (Of(backend)._exchange is not { } exchange)
        {
            statement.AppendArgument(value);
            return;
        }

        statement.AppendCommand(exchange);
        statement.BeginArguments();
        statement.AppendArgument(value);
        statement.AppendArgument(mask);
        statement.EndArguments();
    }

    private static void WriteBarrier(CLBackend backend, CLCodeGenerator code, Value call)
    {
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement("");
        if (Of(backend).UsesSubGroups)
            statement.AppendCommand("sub_group_barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)");
    }

    // Through private memory, which no compiler leaves there. Bytes, since a pointer to them may be one to anything.
    private static void WriteHalfToFloat(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLCodeGenerator.Variable bits = code.Load(call[0]);
        CLCodeGenerator.Variable target = code.Allocate(call);
        code.Declare(target);
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement("{ uchar2 half_bits = as_uchar2((ushort)(");
        statement.AppendArgument(bits);
        statement.AppendCommand($")); {target} = vload_half(0, (private const half *)&half_bits); }}");
    }

    private static void WriteFloatToHalf(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLCodeGenerator.Variable value = code.Load(call[0]);
        CLCodeGenerator.Variable target = code.Allocate(call);
        code.Declare(target);
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement("{ uchar2 half_bits; vstore_half_rte(");
        statement.AppendArgument(value);
        statement.AppendCommand($", 0, (private half *)&half_bits); {target} = as_ushort(half_bits); }}");
    }

    private static void WriteFloatsToHalf(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLCodeGenerator.Variable low = code.Load(call[0]);
        CLCodeGenerator.Variable high = code.Load(call[1]);
        CLCodeGenerator.Variable target = code.Allocate(call);
        code.Declare(target);
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement("{ uchar4 half_bits; vstore_half2_rte((float2)(");
        statement.AppendArgument(low);
        statement.AppendCommand(", ");
        statement.AppendArgument(high);
        statement.AppendCommand($"), 0, (private half *)&half_bits); {target} = as_uint(half_bits); }}");
    }

    // The arithmetic of BFloat16Storage.Round: OpenCL has nothing for it.
    private static void WriteFloatsToBFloat16(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLCodeGenerator.Variable low = code.Load(call[0]);
        CLCodeGenerator.Variable high = code.Load(call[1]);
        CLCodeGenerator.Variable target = code.Allocate(call);
        code.Declare(target);
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement("{ uint2 float_bits = (uint2)(as_uint(");
        statement.AppendArgument(low);
        statement.AppendCommand("), as_uint(");
        statement.AppendArgument(high);
        statement.AppendCommand(
            ")); uint2 rounded = (float_bits + 0x7FFFu + ((float_bits >> 16) & 1u)) >> 16; "
            + "rounded = select(rounded, (float_bits >> 16) | 0x40u, (float_bits & 0x7FFFFFFFu) > 0x7F800000u); "
            + $"{target} = rounded.x | (rounded.y << 16); }}");
    }

    private static OpenClCode Of(CLBackend backend) => Codes.TryGetValue(backend, out OpenClCode? code)
        ? code
        : throw new NotSupportedException("A kernel of this library was compiled by another backend.");
}

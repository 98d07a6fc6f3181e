using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>
/// How calls of <see cref="SubGroup"/> (ILGPU 1.5.3 knows Intel's only) and <see cref="GroupFence"/> and the conversions of
/// <see cref="HalfStorage"/> (ILGPU's own half precision needs fp16) are written in OpenCL C. All of it is public in ILGPU.
/// </summary>
/// <remarks>A backend takes over its context's handlers when it is made: one made after <see cref="Register"/> has them.</remarks>
internal static class OpenClIntrinsics
{
    private const string LocalBarrier = "work_group_barrier(CLK_LOCAL_MEM_FENCE)";

    private static readonly Lock Registration = new();
    private static readonly ConditionalWeakTable<IntrinsicImplementationManager, object> Registered = [];

    /// <summary>Registers them with a context, once.</summary>
    public static void Register(Context context)
    {
        IntrinsicImplementationManager manager = context.GetIntrinsicManager();
        lock (Registration)
        {
            if (Registered.TryAdd(manager, Registered))
                RegisterAll(manager);
        }
    }

    private static void RegisterAll(IntrinsicImplementationManager manager)
    {
        Register(typeof(SubGroup).GetProperty(nameof(SubGroup.Size))!.GetMethod!, nameof(WriteSubGroupSize));
        foreach (Type value in (Type[])[typeof(float), typeof(int)])
            Register(typeof(SubGroup).GetMethod(nameof(SubGroup.Exchange), [value, typeof(int)])!, nameof(WriteExchange));
        Register(typeof(SubGroup).GetMethod(nameof(SubGroup.Barrier))!, nameof(WriteBarrier));
        Register(typeof(GroupFence).GetMethod(nameof(GroupFence.Pass))!, nameof(WriteGroupFence));
        Register(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Widen))!, nameof(WriteHalfToFloat));
        Register(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Round))!, nameof(WriteFloatToHalf));
        Register(typeof(HalfStorage).GetMethod(nameof(HalfStorage.RoundTwo))!, nameof(WriteFloatsToHalf));
        Register(typeof(BFloat16Storage).GetMethod(nameof(BFloat16Storage.RoundTwo))!, nameof(WriteFloatsToBFloat16));

        void Register(MethodInfo method, string handler) =>
            manager.RegisterMethod(method, new CLIntrinsic(typeof(OpenClIntrinsics), handler, IntrinsicImplementationMode.GenerateCode));
    }

    // The largest in the launch: the same in every thread, and that of all sub-groups of a group that it divides. A size that is no power
    // of two (no device is known to have one) counts as none.
    private static void WriteSubGroupSize(CLBackend backend, CLCodeGenerator code, Value call)
    {
        const string Size = "(int)get_max_sub_group_size()";
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement(code.Allocate(call));
        statement.AppendCommand(OpenClCode.Of(backend).SubGroups switch
        {
            OpenClSubGroups.Own => $"popcount({Size}) == 1 ? {Size} : 1",
            OpenClSubGroups.Emulated => $"{OpenClCode.EmulatedSize}",
            _ => "1",
        });
    }

    private static void WriteExchange(CLBackend backend, CLCodeGenerator code, Value call)
    {
        CLCodeGenerator.Variable value = code.Load(call[0]);
        CLCodeGenerator.Variable mask = code.Load(call[1]);
        OpenClCode own = OpenClCode.Of(backend);
        if (own.SubGroups == OpenClSubGroups.Emulated)
        {
            WriteEmulatedExchange(code, call, value, mask);
            return;
        }

        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement(code.Allocate(call));
        if (own.Exchange is not { } exchange)
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

    // What is declared here has the kernel for its scope: ILGPU writes a kernel as labels and jumps, without blocks.
    private static void WriteEmulatedExchange(CLCodeGenerator code, Value call, CLCodeGenerator.Variable value, CLCodeGenerator.Variable mask)
    {
        CLCodeGenerator.Variable target = code.Allocate(call);
        code.Declare(target);
        string type = call.BasicValueType == BasicValueType.Float32 ? "float" : "int";
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement(
            $"local {type} of_lanes_{target}[{RowTeam.MaxGroupSize}]; of_lanes_{target}[get_local_id(0)] = ");
        statement.AppendArgument(value);
        statement.AppendCommand($"; {LocalBarrier}; {target} = of_lanes_{target}[get_local_id(0) ^ ");
        statement.AppendArgument(mask);
        statement.AppendCommand($"]; {LocalBarrier}");
    }

    private static void WriteBarrier(CLBackend backend, CLCodeGenerator code, Value call)
    {
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement("");
        statement.AppendCommand(OpenClCode.Of(backend).SubGroups switch
        {
            OpenClSubGroups.Own => $"sub_group_barrier({OpenClCode.BothMemories})",
            OpenClSubGroups.Emulated => $"work_group_barrier({OpenClCode.BothMemories})",
            _ => "",
        });
    }

    // As ILGPU writes a fence, as a barrier: OpenCL 3 has a fence by itself only where a device offers its order and scope.
    private static void WriteGroupFence(CLBackend backend, CLCodeGenerator code, Value call)
    {
        using CLCodeGenerator.StatementEmitter statement = code.BeginStatement("");
        statement.AppendCommand($"work_group_barrier({OpenClCode.BothMemories}, memory_scope_device)");
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
}

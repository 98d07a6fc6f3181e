using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Types;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// Instructions that ILGPU does not know, or not by these names: how calls of <see cref="SubGroup"/> and <see cref="GroupFence"/>, the
/// conversions of <see cref="HalfStorage"/> and <see cref="BFloat16Storage"/>, <see cref="AsyncCopy"/> and <see cref="TensorCore"/> (both
/// from sm_80 on) and <see cref="WarpGroup"/> (sm_90a) are written in PTX.
/// </summary>
/// <remarks>
/// A method marked <see cref="IntrinsicImplementationAttribute"/> is an instruction where a backend has a handler for it; elsewhere
/// (on the CPU accelerator) its C# body runs. The handlers' signature is ILGPU's, and public.
/// </remarks>
internal static partial class PtxIntrinsics
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    // Contexts that know them.
    private static readonly ConditionalWeakTable<IntrinsicImplementationManager, object> Registered = [];
    private static readonly Lock Registration = new();

    /// <summary>Makes the instructions known to a context, whose backends have them if they are made afterwards.</summary>
    public static void Register(Context context)
    {
        IntrinsicImplementationManager manager = context.GetIntrinsicManager();
        lock (Registration)
        {
            if (Registered.TryAdd(manager, Registered))
                Register(manager);
        }
    }

    private static void Register(IntrinsicImplementationManager manager)
    {
        manager.RegisterMethod(typeof(SubGroup).GetProperty(nameof(SubGroup.Size))!.GetMethod!, Everywhere(nameof(WarpSize)));
        foreach (Type value in (Type[])[typeof(float), typeof(int)])
            manager.RegisterMethod(typeof(SubGroup).GetMethod(nameof(SubGroup.Exchange), [value, typeof(int)])!, Everywhere(nameof(ShuffleXor)));
        manager.RegisterMethod(typeof(SubGroup).GetMethod(nameof(SubGroup.Barrier))!, Everywhere(nameof(WarpBarrier)));
        manager.RegisterMethod(typeof(GroupFence).GetMethod(nameof(GroupFence.Pass))!, Everywhere(nameof(FenceOfFirst)));
        manager.RegisterMethod(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Widen))!, Everywhere(nameof(HalfToFloat)));
        manager.RegisterMethod(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Round))!, Everywhere(nameof(FloatToHalf)));
        manager.RegisterMethod(typeof(HalfStorage).GetMethod(nameof(HalfStorage.RoundTwo))!, Everywhere(nameof(FloatsToHalf)));
        manager.RegisterMethod(typeof(BFloat16Storage).GetMethod(nameof(BFloat16Storage.RoundTwo))!, Everywhere(nameof(FloatsToBFloat16)));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.OneQuad), nameof(CopyOneQuad));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.OneFloat), nameof(CopyOneFloat));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.Commit), nameof(CommitCopies));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.WaitForAllButTheNewest), nameof(WaitForCopies));
        Register(typeof(TensorCore), nameof(TensorCore.RoundToTf32), nameof(RoundToTf32));
        Register(typeof(TensorCore), nameof(TensorCore.LoadMatrices), nameof(LoadMatrices));
        Register(typeof(TensorCore), nameof(TensorCore.LoadTransposedMatrices), nameof(LoadTransposedMatrices));
        Register(typeof(TensorCore), nameof(TensorCore.MultiplyAddTf32), nameof(MultiplyAddTf32));
        Register(typeof(TensorCore), nameof(TensorCore.MultiplyAddBFloat16), nameof(MultiplyAddBFloat16));
        RegisterWarpGroup(manager);

        void Register(Type type, string method, string handler) => manager.RegisterMethod(
            type.GetMethod(method, Any)!,
            new PTXIntrinsic(typeof(PtxIntrinsics), handler, IntrinsicImplementationMode.GenerateCode, TensorCore.Oldest));

        static PTXIntrinsic Everywhere(string handler) => new(typeof(PtxIntrinsics), handler, IntrinsicImplementationMode.GenerateCode);
    }

    private static void WarpSize(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tmov.u32 {Names(code.Allocate(call))[0]}, {PTXBackend.WarpSize};");

    private static void ShuffleXor(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string value = Operand(code, call[0]);
        string mask = Operand(code, call[1]);
        code.Builder.AppendLine(
            CultureInfo.InvariantCulture, $"\tshfl.sync.bfly.b32 {Names(code.Allocate(call))[0]}, {value}, {mask}, 31, 0xffffffff;");
    }

    private static void WarpBarrier(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\tbar.warp.sync 0xffffffff;");

    private static void FenceOfFirst(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string thread = Operand(code, call[0]);
        code.Builder.AppendLine(
            CultureInfo.InvariantCulture, $"\t{{ .reg .pred %first; setp.eq.s32 %first, {thread}, 0; @%first fence.acq_rel.gpu; }}");
    }

    private static void HalfToFloat(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string bits = Operand(code, call[0]);
        code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tcvt.f32.f16 {Names(code.Allocate(call))[0]}, {bits};");
    }

    private static void FloatToHalf(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string value = Operand(code, call[0]);
        code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tcvt.rn.f16.f32 {Names(code.Allocate(call))[0]}, {value};");
    }

    // Two in a word. Before sm_80, the integer arithmetic of BFloat16Storage.Round.
    private static void FloatsToBFloat16(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string low = Operand(code, call[0]);
        string high = Operand(code, call[1]);
        string word = Names(code.Allocate(call))[0];
        if (backend.Architecture >= TensorCore.Oldest)
        {
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tcvt.rn.bf16x2.f32 {word}, {high}, {low};");
            return;
        }

        code.Builder.AppendLine("\t{ .reg .b32 %bits, %quiet, %low, %high; .reg .pred %nan;");
        foreach ((string value, string rounded) in ((string, string)[])[(low, "%low"), (high, "%high")])
        {
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tmov.b32 %bits, {value};");
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tbfe.u32 {rounded}, %bits, 16, 1;");
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tadd.u32 {rounded}, {rounded}, 0x7FFF;");
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tadd.u32 {rounded}, {rounded}, %bits;");
            code.Builder.AppendLine("\tor.b32 %quiet, %bits, 0x400000;");
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tsetp.nan.f32 %nan, {value}, {value};");
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tselp.b32 {rounded}, %quiet, {rounded}, %nan;");
        }

        code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tprmt.b32 {word}, %low, %high, 0x7632; }}");
    }

    private static void FloatsToHalf(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string low = Operand(code, call[0]);
        string high = Operand(code, call[1]);
        string word = Names(code.Allocate(call))[0];
        string conversion = backend.Architecture >= TensorCore.Oldest
            ? $"\tcvt.rn.f16x2.f32 {word}, {high}, {low};"
            : $"\t{{ .reg .b16 %low, %high; cvt.rn.f16.f32 %low, {low}; cvt.rn.f16.f32 %high, {high}; mov.b32 {word}, {{%low, %high}}; }}";
        code.Builder.AppendLine(conversion);
    }

    // Around the first-level cache: what a group copies it reads again from shared memory only.
    private static void CopyOneQuad(PTXBackend backend, PTXCodeGenerator code, Value call) => Copy(code, call, "cg", 16);

    private static void CopyOneFloat(PTXBackend backend, PTXCodeGenerator code, Value call) => Copy(code, call, "ca", 4);

    private static void CommitCopies(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\tcp.async.commit_group;");

    private static void WaitForCopies(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\tcp.async.wait_group 1;");

    // Before sm_90 there is only the rounding that takes ties away from 0, in three instructions; from then on, one that takes them to
    // even.
    private static void RoundToTf32(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string value = Operand(code, call[0]);
        string ties = backend.Architecture >= CudaArchitecture.SM_90 ? "rn" : "rna";
        code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tcvt.{ties}.tf32.f32 {Names(code.Allocate(call))[0]}, {value};");
    }

    private static void MultiplyAddTf32(PTXBackend backend, PTXCodeGenerator code, Value call) => MultiplyAdd(code, call, "m16n8k8", "tf32");

    private static void MultiplyAddBFloat16(PTXBackend backend, PTXCodeGenerator code, Value call) => MultiplyAdd(code, call, "m16n8k16", "bf16");

    private static void MultiplyAdd(PTXCodeGenerator code, Value call, string shape, string type)
    {
        string sums = string.Join(", ", Names(code, code.Load(call[0])));
        string[] operands = [.. Enumerable.Range(1, 6).Select(i => Operand(code, call[i]))];
        string results = string.Join(", ", Names(code.Allocate(call)));
        code.Builder.AppendLine(
            $"\tmma.sync.aligned.{shape}.row.col.f32.{type}.{type}.f32 "
            + $"{{{results}}}, {{{string.Join(", ", operands[..4])}}}, {{{string.Join(", ", operands[4..])}}}, {{{sums}}};");
    }

    private static void LoadMatrices(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, "");

    private static void LoadTransposedMatrices(PTXBackend backend, PTXCodeGenerator code, Value call) => Load(code, call, ".trans");

    private static void Load(PTXCodeGenerator code, Value call, string order)
    {
        OpenWithSharedAddress(code, call);
        string results = string.Join(", ", Names(code.Allocate(call)));
        code.Builder.AppendLine(
            CultureInfo.InvariantCulture, $"\tldmatrix.sync.aligned.m8n8.x4{order}.shared.b16 {{{results}}}, [%shared]; }}");
    }

    private static void Copy(PTXCodeGenerator code, Value call, string cache, int bytes)
    {
        string source = Operand(code, call[1]);
        string count = Operand(code, call[2]);
        OpenWithSharedAddress(code, call);
        code.Builder.AppendLine(
            CultureInfo.InvariantCulture, $"\tcp.async.{cache}.shared.global [%shared], [{source}], {bytes}, {count}; }}");
    }

    // A shared address has 32 bits here. ILGPU gives it 64, as an offset where it knows that the memory is shared, else as a generic
    // address.
    private static void OpenWithSharedAddress(PTXCodeGenerator code, Value call)
    {
        string address = Operand(code, call[0]);
        code.Builder.AppendLine("\t{ .reg .b32 %shared; .reg .b64 %wide;");
        if (((AddressSpaceType)call[0].Type).AddressSpace == MemoryAddressSpace.Shared)
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tmov.b64 %wide, {address};");
        else
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tcvta.to.shared.u64 %wide, {address};");
        code.Builder.AppendLine("\tcvt.u32.u64 %shared, %wide;");
    }

    private static string Operand(PTXCodeGenerator code, Value value) => Names(code, code.Load(value))[0];

    private static List<string> Names(PTXCodeGenerator code, RegisterAllocator<PTXRegisterKind>.Register register) =>
        register is RegisterAllocator<PTXRegisterKind>.CompoundRegister compound
            ? [.. compound.Children.SelectMany(child => Names(code, child))]
            : [Name(code.EnsureHardwareRegister((RegisterAllocator<PTXRegisterKind>.PrimitiveRegister)register))];

    private static List<string> Names(RegisterAllocator<PTXRegisterKind>.Register register) =>
        register is RegisterAllocator<PTXRegisterKind>.CompoundRegister compound
            ? [.. compound.Children.SelectMany(Names)]
            : [Name((RegisterAllocator<PTXRegisterKind>.HardwareRegister)register)];

    private static string Name(RegisterAllocator<PTXRegisterKind>.HardwareRegister register) =>
        "%" + PTXRegisterAllocator.GetStringRepresentation(register);
}

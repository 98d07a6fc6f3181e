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
/// Instructions that ILGPU does not know: how calls of <see cref="AsyncCopy"/> and <see cref="TensorCore"/> (from sm_80 on) and of
/// <see cref="ShortConversion"/> are written in PTX. Beside <see cref="PtxCode"/> the only place that uses ILGPU's internals.
/// </summary>
/// <remarks>
/// A method marked <see cref="IntrinsicImplementationAttribute"/> is an instruction where a backend has a handler for it; elsewhere
/// (on the CPU accelerator) its C# body runs. The handlers' signature is ILGPU's. With a version of ILGPU that is not
/// <see cref="PtxCode.KnownVersion"/> nothing is registered, and no kernel that needs it is offered.
/// </remarks>
internal static class PtxIntrinsics
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    // Contexts that know them. A context built in another way compiles no kernel that needs them.
    private static readonly ConditionalWeakTable<IntrinsicImplementationManager, object> Managers = [];

    /// <summary>The oldest architecture that has them all.</summary>
    public static CudaArchitecture Oldest => CudaArchitecture.SM_80;

    /// <summary>Makes the instructions known to a context that is being built.</summary>
    public static void Register(Context.Builder builder)
    {
        if (!PtxCode.IsKnown)
            return;
        Managers.AddOrUpdate(builder.GetIntrinsicManager(), builder);
        Register(builder, typeof(AsyncCopy), nameof(AsyncCopy.FourFloats), nameof(CopyFourFloats));
        Register(builder, typeof(AsyncCopy), nameof(AsyncCopy.OneFloat), nameof(CopyOneFloat));
        Register(builder, typeof(AsyncCopy), nameof(AsyncCopy.Commit), nameof(CommitCopies));
        Register(builder, typeof(AsyncCopy), nameof(AsyncCopy.WaitForAllButTheNewest), nameof(WaitForCopies));
        Register(builder, typeof(TensorCore), nameof(TensorCore.Round), nameof(RoundToTf32));
        Register(builder, typeof(TensorCore), nameof(TensorCore.LoadMatrices), nameof(LoadFourMatrices));
        Register(builder, typeof(TensorCore), nameof(TensorCore.MultiplyAdd), nameof(MultiplyAddTf32));
        Register(builder, typeof(ShortConversion), nameof(ShortConversion.ToBFloat16), nameof(RoundToBFloat16));
        Register(builder, typeof(ShortConversion), nameof(ShortConversion.ToHalf), nameof(RoundToHalf));
        Register(builder, typeof(ShortConversion), nameof(ShortConversion.FromHalf), nameof(WidenHalf));
    }

    /// <summary>Whether a device and the context that it was opened in have them.</summary>
    public static bool AreOn(CudaAccelerator accelerator) => accelerator.Architecture >= Oldest && AreKnownTo(accelerator);

    /// <summary>Whether the context that a device was opened in has them; the conversions are on every device then.</summary>
    public static bool AreKnownTo(CudaAccelerator accelerator) =>
        Managers.TryGetValue(accelerator.Context.GetIntrinsicManager(), out _);

    private static void Register(Context.Builder builder, Type type, string method, string handler)
    {
        const IntrinsicImplementationMode Mode = IntrinsicImplementationMode.GenerateCode;
        PTXIntrinsic instruction = type == typeof(ShortConversion)
            ? new(typeof(PtxIntrinsics), handler, Mode)
            : new(typeof(PtxIntrinsics), handler, Mode, Oldest);
        builder.GetIntrinsicManager().RegisterMethod(type.GetMethod(method, Any)!, instruction);
    }

    // Around the first-level cache: what a group copies it reads again from shared memory only.
    private static void CopyFourFloats(PTXBackend backend, PTXCodeGenerator code, Value call) => Copy(code, call, "cg", 16);

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

    // Before sm_80, the integer arithmetic of BFloat16Storage.Round.
    private static void RoundToBFloat16(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string low = Operand(code, call[0]);
        string high = Operand(code, call[1]);
        string word = Names(code.Allocate(call))[0];
        if (backend.Architecture >= Oldest)
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

    private static void RoundToHalf(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string low = Operand(code, call[0]);
        string high = Operand(code, call[1]);
        string word = Names(code.Allocate(call))[0];
        string conversion = backend.Architecture >= Oldest
            ? $"\tcvt.rn.f16x2.f32 {word}, {high}, {low};"
            : $"\t{{ .reg .b16 %low, %high; cvt.rn.f16.f32 %low, {low}; cvt.rn.f16.f32 %high, {high}; mov.b32 {word}, {{%low, %high}}; }}";
        code.Builder.AppendLine(conversion);
    }

    private static void WidenHalf(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string bits = Operand(code, call[0]);
        string value = Names(code.Allocate(call))[0];
        code.Builder.AppendLine(
            CultureInfo.InvariantCulture, $"\t{{ .reg .b16 %low, %high; mov.b32 {{%low, %high}}, {bits}; cvt.f32.f16 {value}, %low; }}");
    }

    private static void MultiplyAddTf32(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string sums = string.Join(", ", Names(code, code.Load(call[0])));
        string[] operands = [.. Enumerable.Range(1, 6).Select(i => Operand(code, call[i]))];
        string results = string.Join(", ", Names(code.Allocate(call)));
        code.Builder.AppendLine(
            "\tmma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
            + $"{{{results}}}, {{{string.Join(", ", operands[..4])}}}, {{{string.Join(", ", operands[4..])}}}, {{{sums}}};");
    }

    private static void LoadFourMatrices(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        OpenWithSharedAddress(code, call);
        string results = string.Join(", ", Names(code.Allocate(call)));
        code.Builder.AppendLine(
            CultureInfo.InvariantCulture, $"\tldmatrix.sync.aligned.m8n8.x4.shared.b16 {{{results}}}, [%shared]; }}");
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

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
/// Instructions that ILGPU does not know, or not by these names: how calls of <see cref="SubGroup"/>, the conversions of
/// <see cref="HalfStorage"/>, <see cref="AsyncCopy"/> and <see cref="TensorCore"/> (both from sm_80 on) are written in PTX.
/// </summary>
/// <remarks>
/// A method marked <see cref="IntrinsicImplementationAttribute"/> is an instruction where a backend has a handler for it; elsewhere
/// (on the CPU accelerator) its C# body runs. The handlers' signature is ILGPU's, and public.
/// </remarks>
internal static class PtxIntrinsics
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    // Contexts that know them.
    private static readonly ConditionalWeakTable<IntrinsicImplementationManager, object> Managers = [];
    private static readonly Lock Registration = new();

    /// <summary>The oldest architecture that has asynchronous copies and tensor cores for TF32.</summary>
    public static CudaArchitecture Oldest => CudaArchitecture.SM_80;

    /// <summary>Makes the instructions known to a context, whose backends have them if they are made afterwards.</summary>
    public static void Register(Context context)
    {
        IntrinsicImplementationManager manager = context.GetIntrinsicManager();
        lock (Registration)
        {
            if (!Managers.TryAdd(manager, Managers))
                return;
        }

        manager.RegisterMethod(typeof(SubGroup).GetProperty(nameof(SubGroup.Size))!.GetMethod!, Everywhere(nameof(WarpSize)));
        foreach (Type value in (Type[])[typeof(float), typeof(int)])
            manager.RegisterMethod(typeof(SubGroup).GetMethod(nameof(SubGroup.Exchange), [value, typeof(int)])!, Everywhere(nameof(ShuffleXor)));
        manager.RegisterMethod(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Widen))!, Everywhere(nameof(HalfToFloat)));
        manager.RegisterMethod(typeof(HalfStorage).GetMethod(nameof(HalfStorage.Round))!, Everywhere(nameof(FloatToHalf)));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.FourFloats), nameof(CopyFourFloats));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.OneFloat), nameof(CopyOneFloat));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.Commit), nameof(CommitCopies));
        Register(typeof(AsyncCopy), nameof(AsyncCopy.WaitForAllButTheNewest), nameof(WaitForCopies));
        Register(typeof(TensorCore), nameof(TensorCore.Round), nameof(RoundToTf32));
        Register(typeof(TensorCore), nameof(TensorCore.LoadMatrices), nameof(LoadFourMatrices));
        Register(typeof(TensorCore), nameof(TensorCore.MultiplyAdd), nameof(MultiplyAddTf32));

        void Register(Type type, string method, string handler) => manager.RegisterMethod(
            type.GetMethod(method, Any)!,
            new PTXIntrinsic(typeof(PtxIntrinsics), handler, IntrinsicImplementationMode.GenerateCode, Oldest));

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

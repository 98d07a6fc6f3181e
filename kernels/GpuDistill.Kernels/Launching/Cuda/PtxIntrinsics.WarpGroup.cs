using System.Globalization;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Values;

namespace GpuDistill.Kernels;

// WarpGroup, for sm_90a. The sums are registers that Begin declares for all the code behind it: ptxas lets products run on across other
// instructions only where none of these moves the sums, as values that a loop hands on would be.
internal static partial class PtxIntrinsics
{
    private const string Sum = "%sum";

    private static readonly string AllSums = string.Join(", ", Enumerable.Range(0, WarpGroup.ThreadSums).Select(i => $"{Sum}{i}"));

    private static void RegisterWarpGroup(IntrinsicImplementationManager manager)
    {
        Register(nameof(WarpGroup.Begin), nameof(BeginProducts));
        Register(nameof(WarpGroup.ShowCopies), nameof(ShowCopies));
        Register(nameof(WarpGroup.Open), nameof(OpenProducts));
        Register(nameof(WarpGroup.MultiplyAdd), nameof(MultiplyAddPanels));
        Register(nameof(WarpGroup.Commit), nameof(CommitProducts));
        Register(nameof(WarpGroup.WaitForAllButTheNewest), nameof(WaitForProducts));
        Register(nameof(WarpGroup.WaitForAll), nameof(WaitForAllProducts));
        Register(nameof(WarpGroup.StoreSums), nameof(StoreSums));

        void Register(string method, string handler) => manager.RegisterMethod(
            typeof(WarpGroup).GetMethod(method, Any)!,
            new PTXIntrinsic(typeof(PtxIntrinsics), handler, IntrinsicImplementationMode.GenerateCode, WarpGroup.Architecture));
    }

    private static void BeginProducts(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        OpenWithSharedAddress(code, call);
        code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tmov.b32 {Names(code.Allocate(call))[0]}, %shared; }}");
        code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\t.reg .f32 {Sum}<{WarpGroup.ThreadSums}>;");
        code.Builder.AppendLine("\t.reg .pred %adds;\n\tsetp.eq.u32 %adds, 0, 0;");
        for (int i = 0; i < WarpGroup.ThreadSums; i++)
            code.Builder.AppendLine(CultureInfo.InvariantCulture, $"\tmov.f32 {Sum}{i}, 0f00000000;");
    }

    // What threads store is in another proxy than what products read.
    private static void ShowCopies(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\tfence.proxy.async.shared::cta;");

    private static void OpenProducts(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\twgmma.fence.sync.aligned;");

    private static void MultiplyAddPanels(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string left = Operand(code, call[0]);
        string right = Operand(code, call[1]);
        string shape = $"m{WarpGroup.Rows}n{WarpGroup.Columns}k{WarpGroup.Terms}";
        code.Builder.AppendLine(
            CultureInfo.InvariantCulture,
            $"\twgmma.mma_async.sync.aligned.{shape}.f32.bf16.bf16 {{{AllSums}}}, {left}, {right}, %adds, 1, 1, {Constant(call[2])}, {Constant(call[3])};");
    }

    private static void CommitProducts(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\twgmma.commit_group.sync.aligned;");

    private static void WaitForProducts(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\twgmma.wait_group.sync.aligned 1;");

    private static void WaitForAllProducts(PTXBackend backend, PTXCodeGenerator code, Value call) =>
        code.Builder.AppendLine("\twgmma.wait_group.sync.aligned 0;");

    // Sums 4 j and 4 j + 1 are neighbours in one row, the next two in the row 8 further down.
    private static void StoreSums(PTXBackend backend, PTXCodeGenerator code, Value call)
    {
        string[] addresses = [.. Enumerable.Range(0, 4).Select(i => Operand(code, call[i]))];
        for (int i = 0; i < WarpGroup.ThreadSums; i += 2)
        {
            int eight = i / 4;
            int bytes = (eight / 4 * 4 * 8 * sizeof(float)) + (i / 2 % 2 * 8 * WarpGroup.Columns * sizeof(float));
            code.Builder.AppendLine(
                CultureInfo.InvariantCulture, $"\tst.shared.v2.f32 [{addresses[eight % 4]}+{bytes}], {{{Sum}{i}, {Sum}{i + 1}}};");
        }
    }

    private static int Constant(Value value) => value is PrimitiveValue constant
        ? constant.Int32Value
        : throw new NotSupportedException("The order of an operand must be known to the compiler.");
}

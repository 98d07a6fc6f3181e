using System.Collections.Concurrent;
using System.Reflection;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.PtxMachine;

/// <summary>
/// Compiles kernels to PTX, as for a CUDA device, and executes that over the buffers of ILGPU's CPU accelerator: what a GPU would be given
/// is run without one, instruction by instruction. It is far from its speed, and no compiler stands between the text and what is done.
/// </summary>
internal sealed class Machine(CudaArchitecture architecture) : IKernelLoader, IDisposable
{
    // Groups under way at a time: so that one that waits for another is seen to.
    private const int Resident = 3;

    // Turns in which no group passes a barrier or ends; the longest kernels take a few.
    private const int MostTurnsWithoutEvent = 200;

    private readonly ConcurrentDictionary<MethodInfo, Lazy<Program>> _programs = new();
    private readonly Lock _compiler = new();
    private readonly Lazy<(Context Context, PTXBackend Backend)> _backend = new(() =>
    {
        Context context = Context.Create(builder => KernelContext.Prepare(builder, AcceleratorType.Cuda));
        PtxIntrinsics.Register(context);
        return (context, new PTXBackend(context, architecture, CudaInstructionSet.ISA_84, null!));
    });

    public Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel, int sharedBytes)
        where TArguments : struct
    {
        Program program = _programs.GetOrAdd(kernel.Method, method => new(() => Compile(method))).Value;
        return (_, config, arguments) => Run(kernel.Method, program, config, arguments);
    }

    public void Dispose()
    {
        if (!_backend.IsValueCreated)
            return;
        _backend.Value.Backend.Dispose();
        _backend.Value.Context.Dispose();
    }

    private Program Compile(MethodInfo kernel)
    {
        KernelEntryAttribute mark = kernel.GetCustomAttribute<KernelEntryAttribute>()!;
        lock (_compiler)
            return Program.Of(PtxCode.Compile(_backend.Value.Backend, kernel).PTXAssembly, mark.DropsRacingReads);
    }

    private static void Run<TArguments>(MethodInfo kernel, Program program, KernelConfig config, TArguments arguments)
        where TArguments : struct
    {
        ArgumentBytes bytes = ArgumentBytes.Of(arguments);
        byte[] parameters = bytes.ToArray();
        if (parameters.Length != program.ParameterBytes)
            throw new InvalidOperationException($"The argument takes {parameters.Length} bytes, and {program.ParameterBytes} in PTX.");
        GlobalMemory global = new(bytes.Buffers);
        int shared = config.SharedMemoryConfig.NumElements * config.SharedMemoryConfig.ElementSize;
        int groups = config.GridDim.X;
        List<ThreadGroup> running = [];
        int next = 0;
        int turns = 0;
        try
        {
            while (next < groups || running.Count > 0)
            {
                while (running.Count < Resident && next < groups)
                    running.Add(new ThreadGroup(program, next++, groups, config.GroupDim.X, shared, parameters, global));
                int barriers = running.Sum(group => group.Epoch);
                foreach (ThreadGroup group in running)
                    group.Run();
                bool passed = running.Sum(group => group.Epoch) > barriers;
                bool ended = running.RemoveAll(group => group.HasEnded) > 0;
                turns = passed || ended ? 0 : turns + 1;
                if (turns > MostTurnsWithoutEvent)
                    throw new PtxFault($"group {running[0].Index} goes on for ever, or waits for a group that is not under way");
            }
        }
        catch (PtxFault fault)
        {
            throw new PtxFault($"{kernel.DeclaringType?.Name}.{kernel.Name}, {fault.Message}");
        }
    }
}

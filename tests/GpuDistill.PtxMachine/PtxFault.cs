namespace GpuDistill.PtxMachine;

/// <summary>What would be undefined, or a fault, on a GPU: an access outside all buffers, a race, a shuffle without some of its lanes.</summary>
internal sealed class PtxFault(string message) : Exception(message);

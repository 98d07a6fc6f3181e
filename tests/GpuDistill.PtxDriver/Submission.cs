using System.Runtime.InteropServices;

namespace GpuDistill.PtxDriver;

/// <summary>What goes to a stream: at once to its recording, where it has one.</summary>
internal static unsafe class Submission
{
    public static void Submit(WorkStream stream, Action work)
    {
        RefuseImplied(stream);
        if (stream.Capture is { } capture)
            capture.Add(stream, work);
        else
            stream.Submit(work);
    }

    public static void Copy(WorkStream stream, nint target, nint source, long bytes)
    {
        DriverMemory memory = stream.Context.Memory;
        bool fromPageable = memory.IsPageable(source, bytes);
        bool toPageable = memory.IsPageable(target, bytes);
        if (fromPageable && toPageable)
            throw new DriverException(Result.InvalidValue, "neither side of the copy is memory of this context");
        if (stream.Capture is { } capture && (fromPageable || toPageable))
            throw capture.Spoil(Result.CaptureUnsupported, "a copy of pageable memory is captured");
        // CUDA Driver API, "API synchronization behavior": pageable memory is read before the call returns, or written.
        byte[]? staged = fromPageable ? new Span<byte>((void*)source, checked((int)bytes)).ToArray() : null;
        Submit(stream, () =>
        {
            if (staged is not null)
                staged.CopyTo(new Span<byte>((void*)target, staged.Length));
            else
                NativeMemory.Copy((void*)source, (void*)target, (nuint)bytes);
        });
        if (!toPageable)
            return;
        stream.Finish();
        stream.Context.ThrowIfFaulty();
    }

    public static void Fill(WorkStream stream, nint target, byte value, long bytes)
    {
        if (!stream.Context.Memory.IsDevice(target, bytes))
            throw new DriverException(Result.InvalidValue, "what is to be filled is no device memory of this context");
        Submit(stream, () => NativeMemory.Fill((void*)target, (nuint)bytes, value));
    }

    public static void Synchronize(WorkStream stream)
    {
        RefuseImplied(stream);
        if (stream.Capture is { } capture)
            throw capture.Spoil(Result.CaptureUnsupported, "a captured stream is waited for");
        stream.Context.RefuseWhileCapturing("waiting for a stream");
        stream.Finish();
        stream.Context.ThrowIfFaulty();
    }

    // What goes to the default stream follows all blocking streams, which those that are recorded cannot be.
    private static void RefuseImplied(WorkStream stream)
    {
        if (stream != stream.Context.DefaultStream)
            return;
        foreach (Capture capture in stream.Context.Captures)
        {
            if (capture.HasBlockingStreams)
                throw capture.Spoil(Result.CaptureImplicit, "the default stream is used while a blocking stream is captured");
        }
    }
}

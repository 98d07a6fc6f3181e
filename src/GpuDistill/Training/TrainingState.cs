using System.Globalization;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>Gradients and moments of a training, and its checkpoint files.</summary>
internal sealed class TrainingState : IDisposable
{
    private const string StepKey = "gpudistill.step";
    private const string TrainingKey = "gpudistill.training.";

    private readonly Network _network;
    private readonly Func<IReadOnlyDictionary<string, string>> _training;
    private readonly BufferGroup _buffers;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _gradients;
    private readonly MemoryBuffer1D<float, Stride1D.Dense>[] _moments;
    private readonly ParameterLayout _layout;

    /// <param name="network">The network that is trained.</param>
    /// <param name="optimizer">Says how many moments there are.</param>
    /// <param name="training">Says what makes it this training, part by part; a checkpoint in which a part differs is refused.</param>
    public TrainingState(Network network, Optimizer optimizer, Func<IReadOnlyDictionary<string, string>> training)
    {
        _network = network;
        _training = training;
        _layout = network.Parameters.Layout;
        _buffers = new BufferGroup(network.Device.Accelerator);
        _gradients = Allocate();
        _moments = [.. Enumerable.Range(0, optimizer.Moments).Select(_ => Allocate())];
        network.Device.Stream.Synchronize();
    }

    public ParameterViews Gradients => new(_gradients.View, _layout);

    public IReadOnlyList<ParameterViews> Moments => [.. _moments.Select(moment => new ParameterViews(moment.View, _layout))];

    public void Save(string path, long step)
    {
        Dictionary<string, string> metadata = new()
        {
            [StepKey] = step.ToString(CultureInfo.InvariantCulture),
        };
        foreach ((string part, string text) in _training())
            metadata[TrainingKey + part] = text;
        List<(string, int[], float[])> tensors =
            [("parameters", [_layout.Length], _network.Parameters.All.ToHost(_network.Device))];
        for (int i = 0; i < _moments.Length; i++)
            tensors.Add(($"moments.{i}", [_layout.Length], Moments[i].All.ToHost(_network.Device)));
        SafeTensors.Write(path, metadata, tensors);
    }

    public long Load(string path, long steps)
    {
        SafeTensorFile file = SafeTensors.Read(path);
        if (!file.Metadata.TryGetValue(StepKey, out string? text)
            || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long step))
        {
            throw new ModelFileException(path, "it is no checkpoint (the metadata name no step)");
        }

        foreach ((string part, string here) in _training())
        {
            string there = file.Metadata.GetValueOrDefault(TrainingKey + part, "not named");
            if (there != here)
                throw new ModelFileException(path, $"it belongs to another training: its {part}: {CheckpointSettings.Difference(there, here)}");
        }

        if (step > steps)
            throw new ModelFileException(path, $"it stands at step {step}; this training has {steps}");
        float[] parameters = file.Get("parameters", _layout.Length).Values;
        float[][] moments = [.. _moments.Select((_, i) => file.Get($"moments.{i}", _layout.Length).Values)];
        _network.Upload(parameters);
        for (int i = 0; i < moments.Length; i++)
            Moments[i].All.FromHost(_network.Device, moments[i]);
        return step;
    }

    public void Dispose() => _buffers.Dispose();

    private MemoryBuffer1D<float, Stride1D.Dense> Allocate()
    {
        MemoryBuffer1D<float, Stride1D.Dense> buffer = _buffers.Allocate<float>(_layout.Length);
        buffer.MemSetToZero(_network.Device.Stream);
        return buffer;
    }
}

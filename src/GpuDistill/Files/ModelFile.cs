using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>
/// Networks as safetensors files: tensors <c>layers.0.weight</c> [inputs x outputs] and <c>layers.0.bias</c> [outputs], and
/// so on, with the shape and the activation in the metadata.
/// </summary>
public static class ModelFile
{
    private const string LayersKey = "gpudistill.layers";
    private const string ActivationKey = "gpudistill.activation";

    /// <summary>Writes a network; replaces the file in one move.</summary>
    /// <exception cref="InvalidOperationException">The network has no parameters yet.</exception>
    public static void Save(Network network, string path)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.ThrowIfDisposed();
        network.ThrowIfUnset();
        List<(string, int[], float[])> tensors = [];
        for (int layer = 0; layer < network.Shape.Layers; layer++)
        {
            (float[] weights, float[] biases) = network.ReadLayer(layer);
            tensors.Add(($"layers.{layer}.weight", [network.Shape.Sizes[layer], network.Shape.Sizes[layer + 1]], weights));
            tensors.Add(($"layers.{layer}.bias", [network.Shape.Sizes[layer + 1]], biases));
        }

        Dictionary<string, string> metadata = new()
        {
            [LayersKey] = network.Shape.ToString(),
            [ActivationKey] = network.Shape.Activation.ToString(),
        };
        SafeTensors.Write(path, metadata, tensors);
    }

    /// <summary>Reads a network onto a device.</summary>
    /// <exception cref="ModelFileException">The file is missing, damaged or holds no such network.</exception>
    public static Network Load(DistillDevice device, string path)
    {
        SafeTensorFile file = SafeTensors.Read(path);
        if (!file.Metadata.TryGetValue(LayersKey, out string? layers)
            || !file.Metadata.TryGetValue(ActivationKey, out string? name)
            || !Enum.TryParse(name, out Activation activation)
            || !Enum.IsDefined(activation))
        {
            throw new ModelFileException(path, "it is no GpuDistill model (the metadata name no layers or no known activation)");
        }

        NetworkShape shape;
        try
        {
            shape = NetworkShape.Parse(layers, activation);
        }
        catch (FormatException exception)
        {
            throw new ModelFileException(path, exception.Message.TrimEnd('.'));
        }

        List<(float[] Weights, float[] Biases)> parameters = [];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            parameters.Add((
                file.Get($"layers.{layer}.weight", shape.Sizes[layer], shape.Sizes[layer + 1]).Values,
                file.Get($"layers.{layer}.bias", shape.Sizes[layer + 1]).Values));
        }

        Network network = new(device, shape);
        try
        {
            for (int layer = 0; layer < shape.Layers; layer++)
                network.WriteLayer(layer, parameters[layer].Weights, parameters[layer].Biases);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }
}

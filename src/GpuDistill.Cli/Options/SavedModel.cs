namespace GpuDistill.Cli;

/// <summary>Model files as they are named on the command line.</summary>
internal static class SavedModel
{
    public const string FileName = "model.safetensors";

    /// <summary>What an interrupted training leaves: by its own name it can be evaluated and learnt from, as its directory it is not taken for a model.</summary>
    public const string UnfinishedName = "model.unfinished.safetensors";

    /// <summary>The file meant by a path: itself, or the file of a fixed name in the directory that a command wrote.</summary>
    public static string Locate(string path, string fileName) => Directory.Exists(path) ? Path.Combine(path, fileName) : path;

    /// <summary>Loads a model that must fit the images and hold nothing but finite numbers.</summary>
    public static Network Load(string path, DistillDevice device, ImageDataset images)
    {
        string file = Locate(path, FileName);
        if (!File.Exists(file) && Directory.Exists(path) && File.Exists(Path.Combine(path, TrainingRun.CheckpointName)))
        {
            string unfinished = Path.Combine(path, UnfinishedName);
            string other = File.Exists(unfinished) ? $", or name {unfinished} as it is" : "";
            throw new InputException($"{path}: its training is not finished; go on with --resume {path}{other}.");
        }

        Network network = ModelFile.Load(device, file);
        try
        {
            if (network.Shape.Inputs != images.Features)
            {
                throw new InputException(
                    $"{file}: the network {network.Shape} takes {network.Shape.Inputs} inputs; an image of '{images.Name}' has {images.Height} x {images.Width} = {images.Features}.");
            }

            for (int layer = 0; layer < network.Shape.Layers; layer++)
            {
                (float[] weights, float[] biases) = network.ReadLayer(layer);
                if (!weights.All(float.IsFinite) || !biases.All(float.IsFinite))
                    throw new InputException($"{file}: layer {layer} holds NaN or infinity.");
            }

            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }
}

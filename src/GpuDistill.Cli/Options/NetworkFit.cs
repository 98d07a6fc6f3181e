namespace GpuDistill.Cli;

/// <summary>Checks of a network and its training against images, before a device is opened.</summary>
internal static class NetworkFit
{
    public static void Check(string option, NetworkShape shape, DataSource data)
    {
        if (shape.Inputs != data.Train.Features)
        {
            throw new InputException(
                $"{option} {shape} takes {shape.Inputs} inputs; an image of '{data.Train.Name}' has {data.Train.Height} x {data.Train.Width} = {data.Train.Features}.");
        }

        CheckClasses($"{option} {shape}", shape, data.Train);
        CheckClasses($"{option} {shape}", shape, data.Test);
    }

    /// <summary>Names the first label that the network has no output for.</summary>
    public static void CheckClasses(string network, NetworkShape shape, ImageDataset images)
    {
        if (shape.Classes >= images.Classes)
            return;
        int row = Array.FindIndex(images.Labels, label => label >= shape.Classes);
        string first = row < 0 ? "" : $" (row {row} has the label {images.Labels[row]})";
        throw new InputException($"{network} has {shape.Classes} classes; '{images.Name}' has {images.Classes}{first}.");
    }

    public static void CheckJitter(TrainingOptions options, ImageDataset images)
    {
        if (options.Jitter > 0 && options.Jitter >= Math.Min(images.Height, images.Width))
        {
            throw new InputException(
                $"--jitter must be below both sides of the {images.Height} x {images.Width} images of '{images.Name}'; it is '{options.Jitter}'.");
        }
    }
}

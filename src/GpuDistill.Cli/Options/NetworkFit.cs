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

        if (shape.Classes < 2)
            throw new InputException($"{option} {shape} has one class; it takes two to learn to tell them apart.");
        CheckClasses($"{option} {shape}", shape, data.Train);
        CheckClasses($"{option} {shape}", shape, data.Test);
    }

    /// <summary>A sentence on classes that no training image is of, which a network may have and its user may not mean; null where there are none.</summary>
    public static string? ClassesWithoutImages(string option, NetworkShape shape, ImageDataset images)
    {
        int[] missing = [.. Enumerable.Range(0, shape.Classes).Except(images.Labels)];
        if (missing.Length == 0)
            return null;
        int last = missing[^1];
        string which =
            missing.Length == 1 ? $"the label {last}"
            : last - missing[0] == missing.Length - 1 ? $"one of the labels {missing[0]} to {last}"
            : $"one of {missing.Length} labels, of which {missing[0]} is the first and {last} the last";
        return $"{option} {shape} has {shape.Classes} classes; no image of '{images.Name}' has {which}.";
    }

    /// <summary>Names the first label that the network has no output for; one in another part of the data set is that part's.</summary>
    public static void CheckClasses(string network, NetworkShape shape, ImageDataset images)
    {
        if (shape.Classes >= images.Classes)
            return;
        int row = Array.FindIndex(images.Labels, label => label >= shape.Classes);
        if (row >= 0)
            throw new InputException($"{network} has {shape.Classes} classes; '{images.Name}' has {images.Classes} (row {row} has the label {images.Labels[row]}).");
    }

    /// <summary>The paper's experiments are on MNIST, and so are their networks, the classes they leave out and the pixels they shift by.</summary>
    public static void CheckExperiment(DataSource data)
    {
        foreach (ImageDataset images in (ImageDataset[])[data.Train, data.Test])
        {
            if ((images.Height, images.Width, images.Classes) != (28, 28, 10))
            {
                throw new InputException(
                    $"The experiments need images of 28 x 28 pixels in 10 classes; '{images.Name}' has {images.Height} x {images.Width} and {images.Classes}.");
            }
        }
    }

    public static void CheckHiddenLayer(TrainingOptions options, NetworkShape shape)
    {
        if (shape.Layers > 1)
            return;
        foreach ((string option, float value) in ((string, float)[])[("--max-norm", options.MaxNorm), ("--dropout", options.HiddenDropout)])
        {
            if (value != 0)
                throw new InputException(FormattableString.Invariant($"{option} needs a hidden layer, which the network {shape} has not; it is '{value}'."));
        }
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

using System.CommandLine;
using GpuDistill.Mnist;

namespace GpuDistill.Cli;

/// <summary>Which images: MNIST as it is embedded, or four IDX files.</summary>
internal sealed class DataOptions
{
    private readonly Option<string?> _directory = OptionFactory.Text(
        "--data", "DIR",
        "Read train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte "
        + "(each may end in .gz) from here instead of the embedded MNIST.");

    public DataOptions AddTo(Command command)
    {
        command.Add(_directory);
        return this;
    }

    public DataSource Load(ParseResult parsed)
    {
        if (parsed.GetValue(_directory) is not { } directory)
            return new DataSource(() => EmbeddedMnist.Train, () => EmbeddedMnist.Test);
        (ImageDataset train, ImageDataset test) = MnistFiles.Load(directory);
        return new DataSource(() => train, () => test);
    }
}

/// <summary>Training and test images; embedded ones are unpacked when they are first asked for.</summary>
internal sealed class DataSource(Func<ImageDataset> train, Func<ImageDataset> test)
{
    public ImageDataset Train => train();

    public ImageDataset Test => test();
}

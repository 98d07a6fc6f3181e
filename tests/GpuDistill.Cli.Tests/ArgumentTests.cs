using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>Bad arguments: one line that names the option, and exit code 2; nothing is opened or written.</summary>
public class ArgumentTests
{
    public static TheoryData<string, string> Refusals => new()
    {
        { "nonsense", "nonsense" },
        { "demo extra", "extra" },
        { "demo --seed -1", "--seed must be a whole number of at least 0; it is '-1'" },
        { "demo --data /no/such/directory", "/no/such/directory: there is no such directory" },
        { "demo --device tpu", "'tpu'" },
        { "devices --device cuda:99", "'cuda:99'" },
        { "devices --variant simd1024", "--variant must be auto, portable, simd128, simd256, simd512 or cuda; it is 'simd1024'" },
        { "devices --precision half", "--precision must be exact, tf32 or bf16; it is 'half'" },
        { "devices --threads 0", "--threads must be a whole number from 1 to " },
        { "devices --threads 100000", "--threads must be a whole number from 1 to " },
        { "train", "'--output' is required" },
        { "train --output out --layers 784-10 --max-norm 2.5", "--max-norm needs a hidden layer, which the network 784-10 has not; it is '2.5'." },
        { "train --output out --layers 784-10 --dropout 0.5", "--dropout needs a hidden layer, which the network 784-10 has not; it is '0.5'." },
        { "train --output", "--output needs a value; nothing follows it" },
        { "train --output --epochs 3", "--output needs a value; '--epochs' follows it" },
        { "distill --output out --teacher --logits b", "--teacher needs a value; '--logits' follows it" },
        { "evaluate model --part", "--part needs a value; nothing follows it" },
        { "evaluate model --overwrite", "--overwrite has no effect without --output" },
        { "devices --device cpu --variant cuda", "--variant cuda: cpu (" },
        { "devices --device cpu --precision tf32", "has no tensor cores for it; it can exact or bf16." },
        { "train --output out --batch 60001", "--batch must be at most the 60000 images there are to train on; it is '60001'" },
        { "train --output out --images 100 --batch 101", "--batch must be at most the 100 images" },
        { "train --output out --checkpoint-minutes -1", "--checkpoint-minutes must be a finite number of at least 0" },
        { "train --output out --temperature 2", "--temperature" },
        { "train --output out --layers 784-x-10", "--layers: '784-x-10' is no network" },
        { "train --output out --layers 784-999999999-10", "--layers: the network 784-999999999-10 is too large" },
        { "train --output out --layers 784-2147483647-2147483647-2147483647-10", "is too large: it has more than 2,000,000,000 parameters" },
        { "train --output out --layers 10-10", "--layers 10-10 takes 10 inputs; an image of 'MNIST train' has 28 x 28 = 784" },
        { "train --output out --layers 784-1", "--layers 784-1 has one class; it takes two to learn to tell them apart." },
        { "train --output out --layers 784-4", "--layers 784-4 has 4 classes; 'MNIST train' has 10 (row 0 has the label 5)" },
        { "train --output out --epochs 0", "--epochs must be a whole number of at least 1; it is '0'" },
        { "train --output out --epochs 99999999999", "--epochs must be at most 2147483647; it is '99999999999'" },
        { "train --output out --seed 99999999999999999999999", "--seed must be at most 18446744073709551615" },
        { "train --output out --epochs 1.5", "--epochs must be a whole number of at least 1; it is '1.5'" },
        { "train --output out --batch many", "--batch must be a whole number of at least 1; it is 'many'" },
        { "train --output out --rate 0", "--rate must be a finite number above 0; it is '0'" },
        { "train --output out --rate NaN", "--rate must be a finite number above 0; it is 'NaN'" },
        { "train --output out --momentum 1", "--momentum must be at least 0 and below 1; it is '1'" },
        { "train --output out --dropout 1", "--dropout must be at least 0 and below 1; it is '1'" },
        { "train --output out --input-dropout -0.1", "--input-dropout" },
        { "train --output out --jitter -1", "--jitter must be a whole number of at least 0; it is '-1'" },
        { "train --output out --jitter 28", "--jitter must be below both sides of the 28 x 28 images of 'MNIST train'; it is '28'" },
        { "train --output out --max-norm Infinity", "--max-norm must be a finite number of at least 0; it is 'Infinity'" },
        { "train --output out --label-smoothing 1", "--label-smoothing must be at least 0 and below 1; it is '1'" },
        { "train --output out --optimizer lion", "--optimizer must be sgd or adamw; it is 'lion'" },
        { "train --output out --activation swish", "--activation must be identity, relu, gelu or tanh; it is 'swish'" },
        { "train --output out --decay cosine --decay-epochs 3", "--decay-epochs has no effect without --decay step" },
        { "train --output out --decay none --final-rate 0.1", "--final-rate has no effect without --decay cosine" },
        { "train --output out --optimizer adamw --nesterov", "--nesterov has no effect without --optimizer sgd" },
        { "train --output out --momentum 0 --nesterov", "--nesterov has no effect without --momentum above 0" },
        { "train --output out --epochs 2 --warmup 2", "--warmup must be below the 2 epochs of --epochs; it is '2'" },
        { "train --output out --epochs 2 --warmup 3", "--warmup must be below the 2 epochs of --epochs; it is '3'" },
        { "train --output out --validation 60000", "--validation must be below the 60000 training images" },
        { "train --output out --validation 10000 --images 50001", "--images must be at most the 50000 images" },
        { "train --output out --resume none.safetensors", "--resume none.safetensors: there is no such file" },
        { "logits --output out", "'--teacher' is required" },
        { "logits --output out --teacher none.safetensors", "none.safetensors: there is no such file" },
        { "logits --output out --teacher a ./a", "--teacher ./a is given twice" },
        { "distill --output out --teacher a b a", "--teacher a is given twice" },
        { "logits --output out --teacher a --mean arithmetic", "--mean has no effect without two or more --teacher models" },
        { "logits --output out --teacher a --temperature 2", "--temperature has no effect without --mean arithmetic" },
        { "distill --output out", "either --teacher MODEL... or --logits FILE" },
        { "distill --output out --teacher a --logits b", "either --teacher MODEL... or --logits FILE" },
        { "distill --output out --logits b --mean geometric", "--mean has no effect without --teacher" },
        { "distill --output out --logits none.safetensors", "none.safetensors: there is no such file" },
        { "distill --output out --logits b --temperature 0", "--temperature must be from 0.001 to 1000000; it is '0'" },
        { "distill --output out --logits b --temperature -4", "--temperature must be from 0.001 to 1000000; it is '-4'" },
        { "distill --output out --logits b --temperature 1e-50", "--temperature must be from 0.001 to 1000000; it is '1e-50'" },
        { "distill --output out --logits b --temperature 1e30", "--temperature must be from 0.001 to 1000000; it is '1e30'" },
        { "logits --output out --teacher a b --mean arithmetic --temperature 1e7", "--temperature must be from 0.001 to 1000000" },
        { "distill --output out --logits b --temperature NaN", "--temperature must be from 0.001 to 1000000; it is 'NaN'" },
        { "distill --output out --logits b --soft-weight -1", "--soft-weight must be a finite number of at least 0; it is '-1'" },
        { "distill --output out --logits b --hard-weight x", "--hard-weight must be a finite number of at least 0; it is 'x'" },
        { "distill --output out --logits b --label-blend 2", "--label-blend must be from 0 to 1; it is '2'" },
        { "distill --output out --logits b --soft-weight 0 --hard-weight 0", "--soft-weight and --hard-weight are both 0" },
        { "distill --output out --logits b --soft-weight 0 --temperature 3", "--temperature has no effect without --soft-weight above 0" },
        { "distill --output out --logits b --hard-weight 0 --label-smoothing 0.1", "--label-smoothing has no effect" },
        { "distill --output out --logits b --objective logit-matching --temperature 3", "--temperature has no effect without --objective distillation" },
        { "distill --output out --logits b --no-zero-mean", "--no-zero-mean has no effect without --objective logit-matching" },
        { "distill --output out --teacher a b --mean arithmetic --objective logit-matching", "--mean arithmetic holds at one temperature" },
        { "evaluate", "'MODEL'" },
        { "evaluate none.safetensors", "none.safetensors: there is no such file" },
        { "evaluate model --part all", "--part must be test or train; it is 'all'" },
        { "evaluate model --seed 1", "--seed" },
        { "experiment --output out", "'NAME'" },
        { "experiment mnist-table", "'--output' is required" },
        { "experiment mnist --output out", "There is no experiment 'mnist'; there are mnist-table, temperature-sweep, " },
        { "experiment all --output out --seeds 0", "--seeds must be a whole number from 1 to 1000; it is '0'" },
        { "experiment all --output out --epochs 3", "--epochs" },
        { "experiment all --output out --data /no/such/directory", "/no/such/directory: there is no such directory" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Is_refused_in_one_line(string arguments, string reason)
    {
        using TemporaryDirectory directory = new();
        string[] words = [.. arguments.Split(' ').Select(word => word == "out" ? directory["out"] : word)];
        Assert.Contains(reason, CliRunner.Refused(words));
        Assert.False(Directory.Exists(directory["out"]));
    }

    [Theory]
    [InlineData("evaluate", "MODEL must not be empty")]
    [InlineData("logits --output out --teacher", "--teacher must not be empty")]
    [InlineData("train --output", "--output must not be empty")]
    public void An_empty_word_is_refused(string arguments, string reason) =>
        Assert.Contains(reason, CliRunner.Refused([.. arguments.Split(' '), ""]));

    [Theory]
    [InlineData("/proc/foo", "cannot be made")]
    [InlineData("/proc", "cannot be written to")]
    public void An_output_that_cannot_be_written_to_is_named_and_no_other_file(string path, string problem)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("/proc is Linux's");
        string line = CliRunner.Refused("train", "--output", path);
        Assert.Contains($"--output {path}: the directory {problem} (", line);
        Assert.DoesNotContain(".tmp", line);
    }

    [Theory]
    [InlineData("train", "model.safetensors")]
    [InlineData("train", "checkpoint.safetensors")]
    [InlineData("demo", "student-hard.safetensors")]
    [InlineData("logits --teacher a", "logits.safetensors")]
    public void A_directory_in_the_place_of_a_result_is_refused_before_anything_long_begins(string command, string name)
    {
        using TemporaryDirectory directory = new();
        Directory.CreateDirectory(directory[name]);
        string line = CliRunner.Refused([.. command.Split(' '), "--output", directory.Path]);
        Assert.Contains($"--output {directory.Path}: {name} in it is a directory", line);
    }

    [Fact]
    public void An_output_that_is_a_file_is_refused_before_anything_long_begins()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["file"], "kept");
        Assert.Contains($"--output {directory["file"]}: it is a file; a directory is needed", CliRunner.Refused("demo", "--output", directory["file"]));
        Assert.Contains($"--output {directory["file/sub"]}: the directory cannot be made", CliRunner.Refused("demo", "--output", directory["file/sub"]));
        Assert.Equal("kept", File.ReadAllText(directory["file"]));
    }

    [Fact]
    public void Arguments_are_not_read_from_files_named_after_an_at_sign()
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory["arguments"], "devices");
        Assert.Contains("@", CliRunner.Refused($"@{directory["arguments"]}"));
    }
}

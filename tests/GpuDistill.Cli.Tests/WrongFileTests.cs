using GpuDistill.Mnist;
using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>Models, logits and checkpoints that are damaged, or do not go with the rest, are named.</summary>
[Collection<Workshop.Users>]
public class WrongFileTests(Workshop workshop)
{
    [Fact]
    public void Not_a_number_in_a_logits_file_is_named_with_file_and_row()
    {
        byte[] bytes = File.ReadAllBytes(workshop["logits/logits.safetensors"]);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4 - (40 * 7)), float.NaN);
        WithoutChecksum(bytes);
        File.WriteAllBytes(workshop["nan.safetensors"], bytes);
        Assert.Contains(
            "nan.safetensors: row 592 has no softmax",
            workshop.Refused("distill", "--logits", workshop["nan.safetensors"], "--output", workshop["never"]));
    }

    [Fact]
    public void Not_a_number_in_a_model_is_named_with_file_and_layer()
    {
        byte[] bytes = File.ReadAllBytes(workshop["teacher/model.safetensors"]);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.PositiveInfinity);
        WithoutChecksum(bytes);
        File.WriteAllBytes(workshop["infinite.safetensors"], bytes);
        Assert.Contains("infinite.safetensors: layer 1 holds NaN or infinity", workshop.Refused("evaluate", workshop["infinite.safetensors"]));
    }

    [Fact]
    public void A_truncated_model_is_named()
    {
        byte[] bytes = File.ReadAllBytes(workshop["teacher/model.safetensors"]);
        File.WriteAllBytes(workshop["short.safetensors"], bytes[..^8]);
        Assert.Contains("short.safetensors: it is truncated", workshop.Refused("evaluate", workshop["short.safetensors"]));
    }

    [Fact]
    public void Class_counts_and_row_counts_that_do_not_match_name_the_file()
    {
        workshop.Run("train", "--layers", "784-8-12", "--epochs", "1", "--output", workshop["twelve"]);
        Assert.Contains(
            "the teacher 784-8-12 has 12 classes; --student 784-32-10 has 10",
            workshop.Refused("distill", "--teacher", workshop["twelve"], "--output", workshop["never"]));
        Assert.Contains(
            $"{workshop["twelve/model.safetensors"]}: the teacher 784-8-12 has 12 classes",
            workshop.Refused("logits", "--teacher", workshop["teacher"], workshop["twelve/model.safetensors"], "--output", workshop["never"]));
        TinyMnist.Write(workshop["smaller"], train: 50);
        Assert.Contains(
            "logits.safetensors: it holds logits of 600 rows; 'smaller train' has 50 images",
            CliRunner.Refused("distill", "--logits", workshop["logits"], "--data", workshop["smaller"], "--output", workshop["never"]));
        Assert.False(File.Exists(workshop["never/model.safetensors"]));
    }

    [Fact]
    public void A_checkpoint_that_does_not_fit_is_named()
    {
        Assert.Contains(
            "model.safetensors: it is no checkpoint",
            workshop.Refused("train", "--resume", workshop["teacher/model.safetensors"], "--output", workshop["never"]));
    }

    [Fact]
    public void A_checkpoint_of_other_settings_is_refused_before_a_teacher_is_run()
    {
        using (DistillDevice device = DistillDevice.Open("cpu"))
        using (ResidentImages images = new(device, EmbeddedMnist.Train.Take(600)))
        using (TeacherLogits logits = TeacherLogits.FromHost(device, new float[6000], 600, 10))
        using (Network student = new(device, NetworkShape.Parse("784-32-10")))
        using (Trainer trainer = new(student, images, Objective.Distillation(logits), new TrainingOptions()))
            trainer.SaveCheckpoint(workshop["other.safetensors"]);
        CliResult result = CliRunner.Run(
            "distill", "--data", workshop["data"], "--device", "cpu", "--teacher", workshop["teacher"], "--output", workshop["never"],
            "--resume", workshop["other.safetensors"], "--temperature", "2", "--rate", "0.01");
        Assert.Equal(ExitCode.BadInput, result.Code);
        Assert.Contains("--temperature was 4, is 2", result.Error);
        Assert.Contains("--rate was 0.05, is 0.01", result.Error);
        Assert.Equal("", result.Out);
    }

    // The key's name is changed, so that the file is read like one of another tool.
    private static void WithoutChecksum(byte[] bytes) => bytes[bytes.AsSpan().IndexOf("gpudistill.sha256"u8)] ^= 1;
}

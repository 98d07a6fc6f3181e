using GpuDistill.Kernels;

namespace GpuDistill.Tests.Readme;

/// <summary>The README's example of the library, as it stands there.</summary>
internal static class LibrarySnippet
{
    public static (Evaluation Evaluation, int Uploads) Run(ImageDataset trainingSet, ImageDataset testSet, string modelFile)
    {
        // README
        using DistillDevice device = DistillDevice.Open("auto");     // CUDA, else OpenCL, else CPU
        using ResidentImages images = new(device, trainingSet);      // EmbeddedMnist.Train, say
        using ResidentImages test = new(device, testSet);

        using Network teacher = new Network(device, NetworkShape.Parse("784-800-800-10")).Initialize(seed: 1);
        using (Trainer trainer = new(teacher, images, Objective.HardLabels(), new TrainingOptions { Epochs = 2, Jitter = 2 }))
            trainer.Run();

        using TeacherLogits logits = TeacherLogits.Compute([teacher], images); // stay on the device, gathered by row
        using Network student = new Network(device, NetworkShape.Parse("784-32-10")).Initialize(seed: 1);
        Objective distillation = Objective.Distillation(logits, new DistillationOptions { Temperature = 4 });
        using (Trainer trainer = new(student, images, distillation, new TrainingOptions { Epochs = 2 }))
            trainer.Run();

        Evaluation evaluation = Evaluation.Of(student, test);        // predicts at T = 1
        ModelFile.Save(student, modelFile);                          // safetensors
        // README
        return (evaluation, logits.Uploads);
    }
}

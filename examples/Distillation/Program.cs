using GpuDistill;
using GpuDistill.Kernels;
using GpuDistill.Mnist;

using DistillDevice device = DistillDevice.Open("auto");        // CUDA, else OpenCL, else CPU
using ResidentImages images = new(device, EmbeddedMnist.Train); // or images of your own
using ResidentImages test = new(device, EmbeddedMnist.Test);

using Network teacher = new Network(device, NetworkShape.Parse("784-800-800-10")).Initialize(seed: 1);
using (Trainer trainer = new(teacher, images, Objective.HardLabels(), new TrainingOptions { Epochs = 2, Jitter = 2 }))
    trainer.Run();

using TeacherLogits logits = TeacherLogits.Compute([teacher], images); // stay on the device, gathered by row
using Network student = new Network(device, NetworkShape.Parse("784-32-10")).Initialize(seed: 1);
Objective distillation = Objective.Distillation(logits, new DistillationOptions { Temperature = 4 });
using (Trainer trainer = new(student, images, distillation, new TrainingOptions { Epochs = 2 }))
    trainer.Run();

Console.WriteLine(Evaluation.Of(student, test));                // 440 errors on 10,000 images (4.40 %), cross entropy 0.1459
Prediction first = Prediction.Of(student, test)[0];             // of images without labels too, at T = 1
Console.WriteLine($"The first is a {first.Label} with a probability of {first.Probability:F3}."); // 7, 0.993
ModelFile.Save(student, "student.safetensors");                 // ModelFile.Load reads it

System.Console.WriteLine("gpudistill");

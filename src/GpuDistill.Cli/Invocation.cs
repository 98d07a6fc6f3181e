namespace GpuDistill.Cli;

/// <summary>The words that start this program again: they differ for the installed tool, for dotnet run and for a built program.</summary>
internal static class Invocation
{
    private const string AssemblyName = "GpuDistill.Cli";

    public static IReadOnlyList<string> OfProcess() =>
        Of(Environment.ProcessPath ?? "", AppContext.BaseDirectory, Environment.CurrentDirectory);

    /// <param name="process">The running executable.</param>
    /// <param name="directory">Where the command's assembly lies.</param>
    /// <param name="current">What paths may be relative to.</param>
    public static IReadOnlyList<string> Of(string process, string directory, string current)
    {
        string name = Path.GetFileName(process);
        if (name.EndsWith(".exe", StringComparison.OrdinalIgnoreCase))
            name = name[..^4];
        if (name == "dotnet")
            return ["dotnet", Shorter(Path.Combine(directory, AssemblyName + ".dll"), current)];
        if (name != AssemblyName)
            return [Application.Name];
        return Project(process) is var (project, configuration)
            ? ["dotnet", "run", "-c", configuration, "--project", Shorter(project, current), "--"]
            : [Runnable(Shorter(process, current))];
    }

    // PROJECT/bin/CONFIGURATION/FRAMEWORK/PROGRAM is what dotnet run builds.
    private static (string Project, string Configuration)? Project(string process)
    {
        DirectoryInfo? configuration = Directory.GetParent(process)?.Parent;
        DirectoryInfo? bin = configuration?.Parent;
        return bin is { Name: "bin", Parent: { } project } && File.Exists(Path.Combine(project.FullName, AssemblyName + ".csproj"))
            ? (project.FullName, configuration!.Name)
            : null;
    }

    private static string Shorter(string path, string current)
    {
        string relative = Path.GetRelativePath(current, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    private static string Runnable(string path) => path.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal)
        ? path
        : Path.Combine(".", path);
}

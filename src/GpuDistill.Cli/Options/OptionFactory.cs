using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace GpuDistill.Cli;

/// <summary>Options whose errors are one sentence with the option's name, the value and what would be right.</summary>
internal static class OptionFactory
{
    /// <summary>A number with a default that the help shows.</summary>
    public static Option<T> Number<T>(
        string name, string placeholder, string description, T value, Func<T, bool> accepts, string range)
        where T : struct, INumber<T>, IMinMaxValue<T> => new(name)
        {
            HelpName = placeholder,
            Description = description,
            DefaultValueFactory = _ => value,
            CustomParser = result => Parse(result, name, accepts, range) ?? default,
        };

    /// <summary>A number that may be left out; its description says what happens then.</summary>
    public static Option<T?> OptionalNumber<T>(
        string name, string placeholder, string description, Func<T, bool> accepts, string range)
        where T : struct, INumber<T>, IMinMaxValue<T> => new(name)
        {
            HelpName = placeholder,
            Description = description,
            CustomParser = result => Parse(result, name, accepts, range),
        };

    /// <summary>One word of a few, which are appended to the description.</summary>
    public static Option<string> Choice(string name, string placeholder, string description, string value, params string[] words)
    {
        Option<string> option = new(name)
        {
            HelpName = placeholder,
            Description = $"{description}: {Listed(words)}.",
            DefaultValueFactory = _ => value,
            CustomParser = result =>
            {
                string word = result.Tokens[0].Value.ToLowerInvariant();
                if (!words.Contains(word))
                    result.AddError($"{name} must be {Listed(words)}; it is '{result.Tokens[0].Value}'.");
                return word;
            },
        };
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>A text that must not be empty: a path or a name.</summary>
    public static Option<string?> Text(string name, string placeholder, string description) => new(name)
    {
        HelpName = placeholder,
        Description = description,
        CustomParser = result =>
        {
            if (string.IsNullOrWhiteSpace(result.Tokens[0].Value))
                result.AddError($"{name} must not be empty.");
            return result.Tokens[0].Value;
        },
    };

    /// <summary>A network such as 784-800-800-10.</summary>
    public static Option<string> Layers(string name, string description, string value) => new(name)
    {
        HelpName = "SIZES",
        Description = description,
        DefaultValueFactory = _ => value,
        CustomParser = result =>
        {
            try
            {
                _ = NetworkShape.Parse(result.Tokens[0].Value);
            }
            catch (FormatException exception) // no network, or one that is too large
            {
                result.AddError($"{name}: {exception.Message}");
            }

            return result.Tokens[0].Value;
        },
    };

    /// <summary>Whether the user wrote the option, rather than its default holding.</summary>
    public static bool IsGiven(this ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    /// <summary>Refuses options that would have no effect.</summary>
    public static void RefuseWithout(this ParseResult parsed, string needed, params ReadOnlySpan<Option> options)
    {
        foreach (Option option in options)
        {
            if (parsed.IsGiven(option))
                throw new InputException($"{option.Name} has no effect without {needed}.");
        }
    }

    /// <summary>a, b or c.</summary>
    public static string Listed(string[] words) => $"{string.Join(", ", words[..^1])} or {words[^1]}";

    private static T? Parse<T>(ArgumentResult result, string name, Func<T, bool> accepts, string range)
        where T : struct, INumber<T>, IMinMaxValue<T>
    {
        string text = result.Tokens[0].Value;
        NumberStyles style = typeof(T) == typeof(float) ? NumberStyles.Float : NumberStyles.AllowLeadingSign;
        if (T.TryParse(text, style, CultureInfo.InvariantCulture, out T value) && accepts(value))
            return value;
        bool tooLarge = BigInteger.TryParse(text, style, CultureInfo.InvariantCulture, out BigInteger whole) && whole > BigInteger.CreateSaturating(T.MaxValue);
        result.AddError($"{name} must be {(tooLarge && typeof(T) != typeof(float) ? $"at most {T.MaxValue}" : range)}; it is '{text}'.");
        return null;
    }
}

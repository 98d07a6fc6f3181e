using System.Net;
using System.Text.RegularExpressions;

namespace GpuDistill.Experiments;

/// <summary>Text as HTML.</summary>
internal static partial class Html
{
    /// <summary>Text that is safe inside an element or a quoted attribute, of HTML and XML alike.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text).Replace("&#39;", "&apos;", StringComparison.Ordinal);

    /// <summary>A sentence or a number for a reader: signs that belong to a number stay with it, and minus is no hyphen.</summary>
    public static string Text(string text) => Escape(Minus().Replace(Together().Replace(text, match => match.Value.Replace(' ', '\u00A0')), "\u2212"));

    [GeneratedRegex(@"(?<=\d) %| ± |\b[Tp] [=<] ")]
    private static partial Regex Together();

    [GeneratedRegex(@"(?<=^|[\s(])-(?=\d)")]
    private static partial Regex Minus();
}

using System.Net;

namespace GpuDistill.Experiments;

/// <summary>Text as HTML.</summary>
internal static class Html
{
    /// <summary>Text that is safe inside an element or a quoted attribute, of HTML and XML alike.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text).Replace("&#39;", "&apos;", StringComparison.Ordinal);
}

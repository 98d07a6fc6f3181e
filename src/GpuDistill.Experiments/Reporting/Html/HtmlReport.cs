using System.Text;

namespace GpuDistill.Experiments;

/// <summary>Writes a report as one self-contained page: HTML that is XML too, with inline style and inline SVG.</summary>
internal static class HtmlReport
{
    public static string Of(ReportDocument report)
    {
        StringBuilder page = new();
        const string Title = "Distillation experiments on MNIST";
        page.Append($"""
            <!DOCTYPE html>
            <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
            <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <title>{Title}</title>
            <style>
            {PlotFont.FontFace}
            {Style()}</style>
            </head>
            <body>
            <main>
            <header>
            <h1>{Title}</h1>
            <p class="lead">Measured with GpuDistill, after Hinton, Vinyals and Dean, “Distilling the Knowledge in a Neural Network” (2015).</p>

            """);
        if (report.Quick)
        {
            page.Append("<p class=\"notice\"><strong>Quick run.</strong> A small teacher and short trainings show which way each effect goes. "
                + "The figures are not the paper’s and are not compared with its targets; run without <code>--quick</code> for those.</p>\n");
        }

        page.Append($"<code class=\"command\">{Html.Escape(report.Command)}</code>\n<dl class=\"facts\">\n");
        foreach ((string name, string value) in report.Facts)
            page.Append($"<dt>{Html.Escape(name)}</dt><dd>{Html.Text(value)}</dd>\n");
        page.Append("</dl>\n");
        if (report.Sections.Count > 1)
            Contents(page, report.Sections);
        page.Append("</header>\n");
        foreach (ReportSection section in report.Sections)
            Section(page, section);
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static void Contents(StringBuilder page, IReadOnlyList<ReportSection> sections)
    {
        page.Append("<nav aria-label=\"Contents\"><ol>\n");
        foreach (ReportSection section in sections)
        {
            page.Append($"<li><a href=\"#{section.Info.Name}\"><strong>{Html.Text(section.Info.Title)}</strong><span>{section.Verdict}</span>"
                + $"<small>{Html.Text(section.Info.Summary)}</small></a></li>\n");
        }

        page.Append("</ol></nav>\n");
    }

    private static void Section(StringBuilder page, ReportSection section)
    {
        page.Append($"<section id=\"{section.Info.Name}\">\n<h2>{Html.Text(section.Info.Title)}</h2>\n"
            + $"<p class=\"meta\"><code>{section.Info.Name}</code> · {section.Runs} runs · {Numbers.Duration(section.Elapsed)}</p>\n");
        foreach (Block block in section.Blocks)
            Write(page, section, block);
        page.Append("<details><summary>How the networks were trained</summary><div class=\"scroll\">\n");
        Table(page, ["Network", "Training", "Images", "Runs"],
            [.. section.Settings.Select(row => (IReadOnlyList<string>)[row.Network, row.Training, row.Images, $"{row.Count}"])]);
        page.Append("</div></details>\n</section>\n");
    }

    private static void Write(StringBuilder page, ReportSection section, Block block)
    {
        switch (block)
        {
            case Paragraph paragraph:
                page.Append($"<p>{Html.Text(paragraph.Text)}</p>\n");
                break;
            case Findings findings:
                page.Append("<ul class=\"findings\">\n");
                foreach (Finding finding in findings.Items)
                    Write(page, finding);
                page.Append("</ul>\n");
                break;
            case ResultTable table:
                page.Append($"<h3>{Html.Text(table.Caption)}</h3>\n<div class=\"scroll\">\n");
                Table(page, table.Columns, table.Rows);
                page.Append("</div>\n");
                break;
            case Chart chart:
                string id = $"{section.Info.Name}-{chart.Name}";
                page.Append($"<figure>\n<h3>{Html.Text(chart.Title)}</h3>\n"
                    + $"<div class=\"wide\">{ChartColors.ToVariables(ChartRenderer.Svg(chart, 812, 430, $"{id}-wide"))}</div>\n"
                    + $"<div class=\"narrow\">{ChartColors.ToVariables(ChartRenderer.Svg(chart, 358, 320, $"{id}-narrow"))}</div>\n"
                    + $"<figcaption>{Html.Text(chart.Caption)}</figcaption>\n</figure>\n");
                break;
        }
    }

    private static void Write(StringBuilder page, Finding finding)
    {
        (string style, string mark, string words) = finding.Holds switch
        {
            true => ("good", "✓", "Holds: "),
            false => ("bad", "✗", "Does not hold: "),
            null => ("plain", "·", ""),
        };
        string verdict = words.Length > 0 ? $"<strong class=\"{style}\">{words}</strong>" : "";
        page.Append($"<li><span class=\"mark {style}\" aria-hidden=\"true\">{mark}</span><span>{verdict}{Html.Text(finding.Text)}</span></li>\n");
    }

    private static void Table(StringBuilder page, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        page.Append($"<table>\n<thead><tr>{string.Concat(columns.Select(column => $"<th scope=\"col\">{Html.Text(column)}</th>"))}</tr></thead>\n<tbody>\n");
        foreach (IReadOnlyList<string> row in rows)
        {
            page.Append($"<tr><th scope=\"row\">{Html.Text(row[0])}</th>"
                + $"{string.Concat(row.Skip(1).Select(cell => $"<td>{Html.Text(cell)}</td>"))}</tr>\n");
        }

        page.Append("</tbody>\n</table>\n");
    }

    private static string Style()
    {
        using StreamReader reader = new(typeof(HtmlReport).Assembly.GetManifestResourceStream("report.css")!);
        return reader.ReadToEnd();
    }
}

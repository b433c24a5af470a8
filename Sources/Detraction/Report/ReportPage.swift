import Histories
package import Foundation

/// `report.html` of a version: one file that needs no other, its figures inlined.
package struct ReportPage {
  /// The whole page.
  package let html: Data
  /// In their order, each with its numbers as CSV.
  package let figures: [ReportFigure]

  /// `draw` makes a figure's SVG. Its errors are passed on.
  package init(
    _ facts: ReportFacts, draw: (ReportFigure) throws -> [UInt8]
  ) throws {
    let sections = Self.sections(facts)
    figures = sections.flatMap(\.figures)
    let model = facts.model
    var body = "<header>\n<p class=\"kicker\">Tacit · \(HTMLText.escaped(model.name))</p>\n"
    body += "<h1>Who is unhappy and has not said so</h1>\n"
    body += HTMLText.paragraph(
      "Version \(facts.version.version)"
        + (facts.isChampion ? ", the champion" : ", not the champion")
        + " · as of \(facts.date(model.asOf)) · scored as of \(facts.date(facts.silent.asOf))",
      class: "meta")
    body += "</header>\n<nav aria-label=\"Sections\"><ul>\n"
    for section in sections {
      body += "<li><a href=\"#\(section.id)\">\(HTMLText.escaped(section.title))</a></li>\n"
    }
    body += "</ul></nav>\n<main>\n"
    for section in sections {
      body += "<section id=\"\(section.id)\">\n<h2>\(HTMLText.escaped(section.title))</h2>\n"
      var html = section.html
      for figure in section.figures {
        let mark = ReportSection.place(of: figure)
        guard let place = html.range(of: mark) else { continue }
        html.replaceSubrange(place, with: Self.inlined(figure, try draw(figure)))
      }
      body += html + "</section>\n"
    }
    body += "</main>\n<footer>\n"
    body += HTMLText.paragraph(
      "Made by Tacit \(tacitVersion). The numbers of every figure stand as CSV in figures/. No "
        + "account is named in this report.")
    body += "</footer>\n"
    html = Data(
      (Self.head(title: "Tacit: \(facts.version.version)") + body + "</body>\n</html>\n").utf8)
  }

  private static func sections(_ facts: ReportFacts) -> [ReportSection] {
    [FirstScreen.section(facts), EvidenceSections.causes(facts), EvidenceSections.grade(facts)]
      + [ComplaintsSection.section(facts)].compactMap(\.self) + [
        EvidenceSections.population(facts), EvidenceSections.discrimination(facts),
        EvidenceSections.calibration(facts), EvidenceSections.scores(facts),
        SilentEvidenceSections.overlap(facts), SilentEvidenceSections.level(facts),
        BacktestSection.section(facts), DriftSection.section(facts),
        EvidenceSections.model(facts), EvidenceSections.labels(facts),
        EvidenceSections.segments(facts),
        LimitsSection.section(facts), ProvenanceSection.section(facts),
      ]
  }

  private static func inlined(_ figure: ReportFigure, _ picture: [UInt8]) -> String {
    let caption = HTMLText.escaped(figure.caption)
    return "<figure>\n<div class=\"wide\">\(figure.inlined(picture))</div>\n<figcaption>\(caption) "
      + "<span class=\"source\">Numbers: figures/\(figure.name).csv</span></figcaption>\n</figure>\n"
  }

  private static func head(title: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <title>\(HTMLText.escaped(title))</title>
    <style>
    \(style)
    </style>
    </head>
    <body>

    """
  }

  private static let style = """
    :root { color: #1d2329; background: #fff; font: 16px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif; }
    body { margin: 0 auto; max-width: 58rem; padding: 2rem 1.25rem 4rem; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; font-weight: 650; letter-spacing: -0.01em; }
    h2 { font-size: 1.3rem; margin: 3rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid #d9dee3; }
    h3 { font-size: 1rem; margin: 1.75rem 0 0.5rem; }
    p, ul { max-width: 44rem; }
    .kicker { color: #0b5fa5; font-weight: 600; margin: 0 0 0.25rem; }
    .meta, .note, figcaption, footer { color: #56616c; font-size: 0.9rem; }
    .meta { margin: 0.4rem 0 0; }
    nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; padding: 0; margin: 1rem 0 0; font-size: 0.9rem; max-width: none; }
    a { color: #0b5fa5; }
    #summary h2 { position: absolute; left: -10000px; }
    .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.9rem; margin: 1.75rem 0; }
    .card { border: 1px solid #d9dee3; border-radius: 6px; padding: 0.9rem 1rem; }
    .card h3 { margin: 0; font-size: 0.9rem; color: #38424c; font-weight: 600; }
    .card p { margin: 0.25rem 0 0; font-size: 0.88rem; color: #56616c; }
    .card .big { font-size: 1.6rem; line-height: 1.25; color: #1d2329; font-weight: 600; font-variant-numeric: tabular-nums; }
    .mark { display: inline-block; font-size: 0.72rem; font-weight: 600; color: #8a4b08; background: #fdf1e0; border-radius: 3px; padding: 0 0.4em; white-space: nowrap; }
    .missing { color: #56616c; border-left: 3px solid #d9dee3; padding-left: 0.8rem; }
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; font-size: 0.88rem; margin: 0.75rem 0; font-variant-numeric: tabular-nums; }
    caption { text-align: left; color: #56616c; padding-bottom: 0.3rem; }
    th, td { padding: 0.32rem 0.9rem 0.32rem 0; border-bottom: 1px solid #e6eaee; text-align: right; vertical-align: top; }
    th:first-child, td:first-child, .text th, .text td { text-align: left; overflow-wrap: anywhere; }
    thead th { color: #56616c; font-weight: 600; vertical-align: bottom; }
    tbody th { font-weight: 400; overflow-wrap: anywhere; }
    figure { margin: 1.25rem 0 1.75rem; }
    figure svg { max-width: 100%; height: auto; display: block; }
    figcaption { max-width: 44rem; margin-top: 0.3rem; }
    .source { white-space: nowrap; color: #7b8691; }
    code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.88em; overflow-wrap: anywhere; }
    footer { margin-top: 3rem; border-top: 1px solid #d9dee3; }
    @media print {
      :root { font-size: 11px; }
      body { max-width: none; padding: 0; }
      nav { display: none; }
      h2 { break-after: avoid; }
      figure, table, .card { break-inside: avoid; }
    }
    """
}

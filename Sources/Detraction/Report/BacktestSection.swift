import Histories
import Learning

/// What the list would have held on past dates.
enum BacktestSection {
  private typealias Number = ReportNumber

  static func section(_ facts: ReportFacts) -> ReportSection {
    guard let result = facts.backtest else {
      return brief(
        facts,
        more:
          "More past dates, plain rules beside and what is too good to be true: `tacit backtest --as-of DATE --json > backtest.json`, then "
          + "`tacit report --backtest backtest.json`: what the list would have held on past dates of "
          + "customers who had never spoken and later first spoke as detractors.")
    }
    var section = ReportSection(
      id: "backtest", title: "Back-test: silenced detractors", html: "")
    section.html += HTMLText.paragraph(result.statement)
    section.html += HTMLText.table(
      [
        "date", "never spoken", "called", "silenced detractors", "on the list", "by lot",
        "lift (95 %)", "days ahead (quartiles)", "AUC of the answers (95 %)",
      ],
      result.origins.map { origin in
        let silenced = origin.silenced
        return [
          facts.date(origin.at), Number.grouped(silenced.accounts),
          Number.grouped(silenced.called), Number.grouped(silenced.detractors),
          Number.fixed(silenced.captured, 1), Number.fixed(silenced.byLot, 1),
          estimate(silenced.lift) { Number.fixed($0, 2) },
          silenced.leadDays.map {
            "\(Number.whole($0.lower)), \(Number.whole($0.median)), \(Number.whole($0.upper))"
          } ?? "–",
          estimate(origin.answers?.all.auc) { Number.fixed($0) },
        ]
      }, caption: "Within \(result.horizonDays) days of each date")
    if result.silenced.detractors > 0 { section.add(capture(result, facts)) }
    if let masking = result.masking {
      section.html += HTMLText.paragraph(
        "Known detractors hidden among the silent, \(masking.repeats) times "
          + "\(Number.grouped(masking.masked)) of them: \(estimate(masking.recall, Number.percent)) "
          + "were among the first \(Number.grouped(masking.called)) again; by lot "
          + "\(Number.percent(masking.byLot)).")
    }
    section.html += HTMLText.list(result.notes + result.controls.suspects.map(\.reason))
    return section
  }

  /// What the training itself tried on past dates.
  private static func brief(_ facts: ReportFacts, more: String) -> ReportSection {
    let title = "Back-test: silenced detractors"
    guard let stability = facts.model.evidence?.stability, let statement = stability.statement
    else {
      return .missing(
        "backtest", title,
        (facts.model.evidence?.stability?.missing.map { "No past date could be tried: \($0). " }
          ?? "No past date was tried. ") + more)
    }
    var section = ReportSection(id: "backtest", title: title, html: "")
    section.html += HTMLText.paragraph(statement)
    section.html += HTMLText.table(
      ["trained as of", "answers that followed", "AUC of the answers (95 %)"],
      stability.origins.map {
        [
          facts.date($0.at), Number.grouped($0.rows), estimate($0.auc) { Number.fixed($0) },
        ]
      })
    section.html += HTMLText.paragraph(more)
    return section
  }

  private static func capture(
    _ result: Backtest.Result, _ facts: ReportFacts
  ) -> ReportFigure {
    let origins = result.origins.filter { $0.silenced.detractors > 0 }
    let rows = origins.enumerated().map { place, origin in
      [
        facts.date(origin.at), "\(place + 1)",
        "\(origin.silenced.captureShare.value ?? .nan)",
        "\(origin.silenced.captureShare.low ?? .nan)",
        "\(origin.silenced.captureShare.high ?? .nan)",
        "\(origin.silenced.byLot / Double(origin.silenced.detractors))",
      ]
    }
    return ReportFigure(
      name: "capture",
      caption:
        "Share of the silenced detractors that were on the list at each past date, with 95 % "
        + "intervals, and what a list by lot would have held.",
      header: ["date", "place", "captured", "low", "high", "by_lot"], rows: rows,
      data: rows.map { $0.joined(separator: "\t") + "\n" }.joined(),
      script: """
        set ylabel "share captured"
        set yrange [0:1]
        set xrange [0.5:\(origins.count).5]
        set format y "%.1f"
        plot "data" using 2:3:4:5:xtic(1) with yerrorbars linestyle 1 linewidth 1.4 \
          title "the list", \
          "data" using 2:6 with points linestyle 9 pointtype 2 title "by lot"
        """)
  }

  static func estimate(
    _ estimate: Backtest.Estimate?, _ text: (Double?) -> String
  ) -> String {
    guard let estimate, estimate.value != nil else { return "–" }
    guard estimate.low != nil else { return text(estimate.value) }
    return "\(text(estimate.value)) (\(text(estimate.low)) to \(text(estimate.high)))"
  }
}

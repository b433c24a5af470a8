import Histories
import Learning

/// Whether the silent accounts of a later date are still those that the model was made for.
enum DriftSection {
  private typealias Number = ReportNumber
  private static let shownFeatures = 20
  private static let shownParts = 12

  static func section(_ facts: ReportFacts) -> ReportSection {
    guard let night = facts.drift else {
      return .missing(
        "drift", "Drift",
        "Scores are of the date of training, so nothing can have drifted: `tacit report --as-of DATE` "
          + "holds a later date against it.")
    }
    let drift = night.drift
    var section = ReportSection(id: "drift", title: "Drift", html: "")
    section.html += HTMLText.paragraph(
      state(drift, facts.date(night.since), facts.date(night.asOf)))
    section.html += HTMLText.list(drift.advice)
    section.add(spread(drift, facts.date(night.since), facts.date(night.asOf)))
    section.html += HTMLText.paragraph(
      "A stability index says how far a distribution has moved: 0 is not at all, beyond "
        + "\(Number.fixed(Drift.watchIndex, 1)) is to watch, beyond "
        + "\(Number.fixed(Drift.actIndex, 2)) a great deal. It counts only where it is beyond what "
        + "chance alone exceeds, too: all distributions together once in 100 reports. Ages may grow "
        + "by the days since. "
        + "\(Number.grouped(night.silent)) silent accounts, features of "
        + "\(Number.grouped(night.sampled)) of them.")
    let shown = furthest(drift)
    section.add(indices(drift, shown))
    section.html += HTMLText.table(
      ["distribution", "stability index", "chance alone exceeds", "moved"],
      ([drift.score] + shown).map {
        [$0.name, Number.fixed($0.index), Number.fixed($0.null), $0.isShifted ? "yes" : "no"]
      })
    section.html += HTMLText.paragraph(
      "The mean logit of the silent changed by \(Number.fixed(drift.meanLogitChange)). Each term's "
        + "part is its coefficients times the change of its mean; the parts add up to the change.")
    let rest = drift.parts.dropFirst(shownParts).reduce(0) { $0 + $1.change }
    section.html += HTMLText.table(
      ["what moved the mean logit", "by"],
      drift.parts.prefix(shownParts).map { [$0.name, Number.fixed($0.change)] }
        + (drift.parts.count > shownParts
          ? [["the other \(drift.parts.count - shownParts)", Number.fixed(rest)]] : [])
        + [["together", Number.fixed(drift.meanLogitChange)]])
    section.html += HTMLText.paragraph(fresh(drift.fresh))
    return section
  }

  private static func state(_ drift: Drift, _ then: String, _ now: String) -> String {
    switch drift.state {
    case .steady:
      "Steady: the silent accounts of \(now) are like those of \(then), as far as can be told."
    case .watch: "Watch: something has moved between \(then) and \(now). The list can be worked."
    case .act:
      "Act: between \(then) and \(now) so much has moved that the scores may not mean what they say. "
        + "Cases open all the same."
    }
  }

  private static func fresh(_ fresh: Drift.Fresh?) -> String {
    guard let fresh else {
      return
        "No feedback has come yet from accounts that an earlier night scored by this version, so "
        + "its probabilities were not held against what customers said since."
    }
    return "Feedback since, from \(Number.grouped(fresh.rows)) accounts that an earlier night had "
      + "scored: \(Number.grouped(fresh.negative)) negative. Mean probability said, "
      + "less the share that was negative (95 %): "
      + EvidenceSections.estimate(fresh.inTheLarge, Number.percent)
      + ". Evidence that the odds are lately twice what was said: \(Number.fixed(fresh.worse, 1)), "
      + "half: \(Number.fixed(fresh.better, 1)); beyond "
      + "\(Number.fixed(Drift.Fresh.evidenceLimit, 1)) by chance once in 1,000 nights."
  }

  /// The furthest moved; equal ones in the schema's order.
  private static func furthest(_ drift: Drift) -> [Drift.Shift] {
    drift.features.enumerated()
      .sorted { ($1.element.index, $0.offset) < ($0.element.index, $1.offset) }
      .prefix(shownFeatures).map(\.element)
  }

  /// Shares of the silent between the deciles of training.
  private static func spread(_ drift: Drift, _ then: String, _ now: String) -> ReportFigure {
    let spread = drift.spread
    let rows = spread.then.indices.map { bin in
      let label =
        bin == 0
        ? "to \(Number.fixed(spread.cuts.first, 2))"
        : bin < spread.cuts.count
          ? "to \(Number.fixed(spread.cuts[bin], 2))"
          : "above \(Number.fixed(spread.cuts.last, 2))"
      return [label, "\(spread.then[bin])", "\(spread.now[bin])"]
    }
    return ReportFigure(
      name: "drift-scores",
      caption:
        "Shares of the silent accounts by logit, between the deciles of \(then): then, and as "
        + "of \(now).",
      height: 320, header: ["logit", "then", "now"], rows: rows,
      data: rows.map { $0.joined(separator: "\t") + "\n" }.joined(),
      script: """
        set ylabel "share of the silent"
        set xlabel "logit"
        set yrange [0:*]
        set style data histograms
        set style histogram clustered gap 1
        set style fill solid 0.85 noborder
        set tics font ",11"
        set format y "%.2f"
        plot "data" using 2:xtic(1) linecolor "#a9b4be" title "then", \
          "data" using 3 linecolor "#0b5fa5" title "now"
        """)
  }

  /// Bars of the indices, with what chance alone exceeds.
  private static func indices(_ drift: Drift, _ features: [Drift.Shift]) -> ReportFigure {
    let shifts = [drift.score] + features
    let rows = shifts.enumerated().map { place, shift in
      [
        shift.name, "\(shift.index)", shift.null.map { "\($0)" } ?? "",
        shift.isShifted ? "1" : "0", "\(shifts.count - place)",
      ]
    }
    let end = max(0.3, (shifts.map(\.index).max() ?? 0) * 1.05)
    return ReportFigure(
      name: "drift",
      caption: "Stability index of the scores and of the \(features.count) furthest moved of "
        + "\(drift.features.count) features; moved ones in colour. Marks: what chance alone exceeds; "
        + "line: 0.1.",
      height: 100 + 19 * shifts.count,
      header: ["distribution", "index", "chance", "moved", "place"], rows: rows,
      data: rows.map { row in
        ([ReportFigure.field(row[0], most: 40), row[1], row[2].isEmpty ? "NaN" : row[2]]
          + row.dropFirst(3)).joined(separator: "\t") + "\n"
      }.joined(),
      script: """
        set xlabel "stability index"
        set xrange [0:\(end)]
        set yrange [0.4:\(shifts.count).6]
        set lmargin 40
        set tics font ",11"
        set style fill solid 0.85 noborder
        set arrow 1 from \(Drift.watchIndex), graph 0 to \(Drift.watchIndex), graph 1 nohead \
          linecolor "#999999" dashtype (3,3)
        plot "data" using (0):5:(0):2:($5-0.36):($5+0.36):ytic(1) with boxxyerror \
          linecolor "#a9b4be" notitle, \
          "data" using (0):5:(0):($4 > 0 ? $2 : 0):($5-0.36):($5+0.36) with boxxyerror \
          linecolor "#0b5fa5" notitle, \
          "data" using 3:5 with points pointtype 2 pointsize 0.6 linecolor "#1d2329" \
          title "chance alone"
        """)
  }
}

import Histories
import Foundation
import Learning

/// The plots of held-out rows and of the model itself.
enum ReportFigures {
  /// Detractors found by share called, with the team's capacity.
  static func gains(_ facts: HeldOutFacts, hasCapacity: Bool) -> ReportFigure {
    let curves = facts.rules.prefix(2)
    let blocks = curves.map { rule in
      ([ReportFigure.field(rule.name, most: 70)] + rule.curve.map { "\($0.called)\t\($0.found)" })
        .joined(separator: "\n")
    }
    return ReportFigure(
      name: "gains",
      caption: "Negative answers found by calling from the top of the list, against the share of "
        + "all respondents called (held out); the vertical line is "
        + (hasCapacity ? "the team's capacity." : "5 %, no capacity being set."),
      header: ["rule", "called", "found"],
      rows: curves.flatMap { rule in
        rule.curve.map { [rule.name, "\($0.called)", "\($0.found)"] }
      },
      data: blocks.joined(separator: "\n\n\n") + "\n",
      script: """
        set xlabel "share of respondents called"
        set ylabel "share of negative answers found"
        set xrange [0:1]
        set yrange [0:1.02]
        set format "%.1f"
        set arrow 1 from \(facts.share),0 to \(facts.share),1.02 nohead linecolor "#444444" \
          dashtype (3,3) linewidth 1.6
        plot x with lines linestyle 9 title "by lot", \
          for [i=0:\(curves.count - 1)] "data" index i using 1:2 with lines linestyle i+1 \
          title columnheader(1)
        """)
  }

  /// Precision by share called, for the first half of the list.
  static func precision(_ facts: HeldOutFacts) -> ReportFigure {
    func points(_ rule: HeldOutFacts.Rule) -> [(Double, Double)] {
      rule.curve.filter { $0.called * Double(facts.rows) >= 20 && $0.called <= 0.5 }
        .map { ($0.called, $0.found * Double(facts.detractors) / ($0.called * Double(facts.rows))) }
    }
    let curves = facts.rules.prefix(2)
    let blocks = curves.map { rule in
      ([ReportFigure.field(rule.name, most: 70)] + points(rule).map { "\($0.0)\t\($0.1)" })
        .joined(separator: "\n")
    }
    return ReportFigure(
      name: "precision",
      caption: "Share of negative answers among those called, from the first 20 respondents on "
        + "(held out); the horizontal line is calling by lot.",
      header: ["rule", "called", "precision"],
      rows: curves.flatMap { rule in points(rule).map { [rule.name, "\($0.0)", "\($0.1)"] } },
      data: blocks.joined(separator: "\n\n\n") + "\n",
      script: """
        set xlabel "share of respondents called"
        set ylabel "share of them that answered negatively"
        set xrange [0:0.5]
        set yrange [0:*]
        set format "%.2f"
        set arrow 1 from \(facts.share), graph 0 to \(facts.share), graph 1 nohead \
          linecolor "#444444" dashtype (3,3) linewidth 1.6
        plot \(facts.baseRate) with lines linestyle 9 title "by lot", \
          for [i=0:\(curves.count - 1)] "data" index i using 1:2 with lines linestyle i+1 \
          title columnheader(1)
        """)
  }

  static func calibration(_ facts: HeldOutFacts) -> ReportFigure {
    let largest = facts.bins.flatMap { [$0.meanProbability, $0.observedHigh] }.max() ?? 1
    let end = min(1, (largest * 1.05 * 20).rounded(.up) / 20)
    return ReportFigure(
      name: "calibration",
      caption: "What happened against what was said, in groups of respondents with like "
        + "probability (held out), with 95 % intervals; on the dashed line is exactly right.",
      width: 560, height: 480, header: ["said", "happened", "low", "high", "rows"],
      numbers: facts.bins.map {
        [$0.meanProbability, $0.observed, $0.observedLow, $0.observedHigh, Double($0.rows)]
      },
      script: """
        set xlabel "mean probability said"
        set ylabel "share that answered negatively"
        set xrange [0:\(end)]
        set yrange [0:\(end)]
        set size ratio 1
        set format "%.2f"
        plot x with lines linestyle 9 notitle, \
          "data" using 1:2:3:4 with yerrorbars linestyle 1 linewidth 1.4 notitle, \
          "data" using 1:2 with lines linestyle 1 linewidth 1 notitle
        """)
  }

  /// Shares of respondents of either answer, and of silent accounts, by logit.
  static func histograms(_ facts: HeldOutFacts?, _ silent: SilentSummary) -> ReportFigure {
    let width = silent.binWidth
    let groups: [(String, [Double]?)] = [
      ("silent accounts", nil),
      ("respondents who answered negatively (held out)", facts?.logits.detractors),
      ("respondents who did not", facts?.logits.others),
    ]
    let all = (facts.map { $0.logits.detractors + $0.logits.others } ?? [])
    let first = min(
      silent.firstBin, all.min().map { ($0 / width).rounded(.down) * width } ?? .infinity)
    let last = max(silent.firstBin + width * Double(silent.bins.count), all.max() ?? -.infinity)
    let count = min(800, max(1, Int(((last - first) / width).rounded(.up))))
    func shares(_ logits: [Double]?) -> [Double] {
      var bins = [Double](repeating: 0, count: count)
      if let logits {
        for logit in logits {
          bins[max(0, min(count - 1, Int((logit - first) / width)))] += 1 / Double(logits.count)
        }
      } else {
        let shift = Int(((silent.firstBin - first) / width).rounded())
        for (place, value) in silent.bins.enumerated() where place + shift < count {
          bins[place + shift] += Double(value) / Double(max(1, silent.silent))
        }
      }
      return bins
    }
    let columns = groups.filter { $0.1 != nil || $0.0 == "silent accounts" }
      .map { ($0.0, shares($0.1)) }
    let rows = (0..<count).map { place in
      ["\(first + width * (Double(place) + 0.5))"] + columns.map { "\($0.1[place])" }
    }
    let names = (["logit"] + columns.map(\.0)).joined(separator: "\t")
    return ReportFigure(
      name: "histograms",
      caption: facts == nil
        ? "How scores lie among silent accounts."
        : "How scores lie among silent accounts and among respondents. Where the silent have "
          + "scores that no respondent has, nothing was learnt.",
      header: ["logit"] + columns.map(\.0), rows: rows,
      data: names + "\n" + rows.map { $0.joined(separator: "\t") + "\n" }.joined(),
      script: """
        set xlabel "logit: further right is more at risk"
        set ylabel "share of the group"
        set format y "%.2f"
        set style fill solid 0.18 noborder
        set yrange [0:*]
        plot "data" using 1:2 with boxes linecolor "#777777" title columnheader(2), \
          for [i=3:\(columns.count + 1)] "data" using 1:i with lines linestyle (i == 3 ? 2 : 1) \
          title columnheader(i)
        """)
  }

  /// How many silent accounts of the list stand behind each known detractor.
  static func echoes(_ silent: SilentSummary) -> ReportFigure {
    let rows = silent.echoes.enumerated().map { place, echo in
      ["\(place + 1)", "\(echo.alike)", "\(echo.value)", echo.shared ?? ""]
    }
    return ReportFigure(
      name: "voices",
      caption:
        "Each bar is a known detractor: how many silent accounts of the list are nearest to it. "
        + "The CSV has what they share and what they are worth.",
      height: 280, header: ["voice", "silent_alike", "value", "shared_reason"], rows: rows,
      data: rows.map { $0.prefix(2).joined(separator: "\t") + "\n" }.joined(),
      script: """
        set xlabel "known detractors, the largest group first"
        set ylabel "silent accounts behind it"
        set xrange [0.5:\(max(10, rows.count)).5]
        set yrange [0:*]
        set style fill solid 0.75 noborder
        set boxwidth 0.8
        unset key
        plot "data" using 1:2 with boxes linecolor "#9db8d2"
        """)
  }

  /// The coefficients largest in size, each with its 95 % interval.
  static func coefficients(_ model: Model) -> ReportFigure {
    let sources = model.design.columns.map { column in
      if case .level(let code) = column.basis {
        return "\(model.schema.names[column.source]) = \(model.schema.levels[column.source][code])"
      }
      return model.schema.names[column.source] + " " + column.basis.words
    }
    let pairs = model.design.pairs.map { pair in
      [pair.first, pair.second].map { model.schema.names[model.design.columns[$0].source] }
        .joined(separator: " × ")
    }
    let names = sources + pairs
    let order = model.coefficients.indices
      .sorted { (-abs(model.coefficients[$0]), $0) < (-abs(model.coefficients[$1]), $1) }
      .prefix(24)
    let rows = order.enumerated().map { rank, column in
      let error = model.variance(column).squareRoot()
      let value = model.coefficients[column]
      return [
        names[column], "\(value)", "\(value - 1.959963984540054 * error)",
        "\(value + 1.959963984540054 * error)", "\(order.count - rank)",
      ]
    }
    return ReportFigure(
      name: "coefficients",
      caption: "The \(order.count) largest of \(model.coefficients.count) coefficients, per "
        + "standard deviation of their column, with 95 % intervals. To the right goes with "
        + "\(model.isComplaintsOnly ? "complaints" : "negative answers"). An association, not a cause.",
      height: 90 + 19 * order.count, header: ["column", "coefficient", "low", "high", "place"],
      rows: rows,
      data: rows.map {
        ([ReportFigure.field($0[0], most: 44)] + $0.dropFirst()).joined(separator: "\t") + "\n"
      }.joined(),
      script: """
        set xlabel "logit per standard deviation"
        set yrange [0.4:\(order.count).6]
        set lmargin 44
        unset key
        set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor "#999999" linewidth 1.2
        set tics font ",11"
        plot "data" using 2:5:3:4:ytic(1) with xerrorbars linestyle 1 linewidth 1.4
        """)
  }

  /// The curves of the numeric features whose effect differs most between the silent accounts'
  /// deciles, each with its 95 % interval and the deciles as ticks.
  static func shapes(_ model: Model) -> ReportFigure? {
    var found: [(source: Int, range: Double, points: [[Double]])] = []
    for source in model.schema.features.indices {
      let deciles = model.reference.features[source].cuts
      guard model.schema.features[source].isNumber, let low = deciles.first,
        let high = deciles.last, high > low
      else { continue }
      let shape = LocalShape(model.design, coefficients: model.coefficients, source: source)
      let xs = Set((0...60).map { low + (high - low) * Double($0) / 60 } + deciles).sorted()
      let points = xs.map { x -> [Double] in
        let effect = shape.effect(x)
        let half = 1.959963984540054 * model.effectVariance(source, at: x).squareRoot()
        return [x, effect, effect - half, effect + half]
      }
      let effects = points.map { $0[1] }
      found.append((source, (effects.max() ?? 0) - (effects.min() ?? 0), points))
    }
    let strongest = found.filter { $0.range > 0 }
      .sorted { ($1.range, $0.source) < ($0.range, $1.source) }.prefix(6)
    guard !strongest.isEmpty else { return nil }
    let bottom = strongest.flatMap { $0.points.map { $0[2] } }.min() ?? 0
    let top = strongest.flatMap { $0.points.map { $0[3] } }.max() ?? 0
    let margin = 0.04 * (top - bottom)
    let blocks = strongest.flatMap { shape -> [String] in
      let name = ReportFigure.field(model.schema.names[shape.source], most: 34)
      let deciles = model.reference.features[shape.source].cuts.map { "\($0)\t\(bottom)" }
      return [
        ([name] + shape.points.map { $0.map { "\($0)" }.joined(separator: "\t") })
          .joined(separator: "\n"),
        deciles.joined(separator: "\n"),
      ]
    }
    let rowCount = (strongest.count + 1) / 2
    return ReportFigure(
      name: "shapes",
      caption: "What the strongest features do to the logit, between the silent accounts' first "
        + "and last decile, all else equal, with 95 % intervals; ticks at the bottom are the "
        + "deciles. 0 is the average respondent.",
      height: 60 + 230 * rowCount, header: ["feature", "value", "logit", "low", "high"],
      rows: strongest.flatMap { shape in
        shape.points.map { [model.schema.names[shape.source]] + $0.map { "\($0)" } }
      },
      data: blocks.joined(separator: "\n\n\n") + "\n",
      script: """
        set multiplot layout \(rowCount),2
        set yrange [\(bottom - margin):\(top + margin)]
        set tics font ",11"
        set key tmargin left samplen 1
        set style fill solid 0.16 noborder
        do for [i=0:\(strongest.count - 1)] {
          plot "data" index 2*i using 1:3:4 skip 1 with filledcurves linecolor "#0b5fa5" notitle, \
            "data" index 2*i using 1:2 with lines linestyle 1 title columnheader(1), \
            "data" index 2*i+1 using 1:2 with points pointtype 2 pointsize 0.5 \
            linecolor "#666666" notitle
        }
        unset multiplot
        """)
  }
}

extension Basis {
  /// What a column is of its source, in a few characters.
  fileprivate var words: String {
    switch self {
    case .linear: "(value)"
    case .log1p: "(log)"
    case .missing: "(missing)"
    case .nonzero: "(not 0)"
    case .step(let knot): "> \(ReportNumber.fixed(knot, knot == knot.rounded() ? 0 : 2))"
    case .hinge(let knot): "from \(ReportNumber.fixed(knot, knot == knot.rounded() ? 0 : 2))"
    case .logHinge(let knot):
      "log from \(ReportNumber.fixed(Self.inverseSignedLog(knot), 1))"
    case .level(let code): "= level \(code)"
    case .pooled: "= a rare level"
    }
  }
}

extension Model {
  /// Variance of a coefficient.
  func variance(_ column: Int) -> Double { covariance[column * (column + 1) / 2 + column] }

  /// Variance of a source's part of the logit at a value, pairs left out. O(columns of the source²).
  func effectVariance(_ source: Int, at value: Double) -> Double {
    let clean = design.cleaning[source].clean(value)
    let own = design.columns.indices.filter { design.columns[$0].source == source }
    var variance = 0.0
    for a in own {
      for b in own {
        let (row, column) = (max(a, b), min(a, b))
        variance +=
          covariance[row * (row + 1) / 2 + column]
          * design.columns[a].value(clean) * design.columns[b].value(clean)
      }
    }
    return max(variance, 0)
  }
}

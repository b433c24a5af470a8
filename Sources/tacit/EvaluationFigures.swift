import Detraction
import Foundation
import Histories
import Learning

/// The plots of an evaluation: ROC, cumulative gains and calibration, each an SVG with its numbers as
/// CSV beside it.
struct EvaluationFigures {
  private let report: EvaluationReport
  private let evaluation: Evaluation

  init(_ report: EvaluationReport, _ evaluation: Evaluation) {
    self.report = report
    self.evaluation = evaluation
  }

  /// Writes six files into a folder, which is made where it is missing. Throws `output`, `service`.
  func write(to folder: String, with gnuplot: Gnuplot) throws {
    do {
      try FileManager.default.createDirectory(
        at: URL(fileURLWithPath: folder), withIntermediateDirectories: true)
    } catch {
      throw HistoriesError.output("\(folder) is no folder and cannot be made one")
    }
    for figure in [roc(), gains(), calibration()] {
      let place = URL(fileURLWithPath: folder).appendingPathComponent(figure.name)
      let csv = figure.csv.map { $0.joined(separator: ",") + "\n" }.joined()
      try OutputFile.write(Data(csv.utf8), to: place.appendingPathExtension("csv"))
      let picture = try gnuplot.svg(figure.script, data: figure.data)
      try OutputFile.write(Data(picture), to: place.appendingPathExtension("svg"))
    }
  }

  private struct Figure {
    var name: String
    /// Header and rows.
    var csv: [[String]]
    /// Blocks for gnuplot, one a curve, each under its title.
    var data: String
    var script: String
  }

  private func figure(
    _ name: String, header: [String], title: (EvaluationReport.Score) -> String,
    rows: (Int) -> [[Double]], script: String
  ) -> Figure {
    var csv = [["score"] + header]
    var blocks: [String] = []
    for (index, score) in report.scores.enumerated() {
      let numbers = rows(index).map { $0.map { "\($0)" } }
      csv += numbers.map { [csvField(score.column)] + $0 }
      blocks.append(
        ([Gnuplot.field(title(score))] + numbers.map { $0.joined(separator: "\t") })
          .joined(separator: "\n"))
    }
    return Figure(
      name: name, csv: csv, data: blocks.joined(separator: "\n\n\n") + "\n",
      script: "count = \(report.scores.count)\n" + script)
  }

  private func roc() -> Figure {
    figure(
      "roc", header: ["false_positive_rate", "true_positive_rate"],
      title: { score in
        let area = score.metrics["roc_auc"]
        return "\(short(score.column)): area \(three(area?.value))"
          + " (\(three(area?.low)) to \(three(area?.high)))"
      },
      rows: { evaluation.curve(of: $0).map { [$0.falseFound, $0.found] } },
      script: """
        set title "ROC: positives called, against negatives called"
        set xlabel "share of all negatives that are called"
        set ylabel "share of all positives that are called"
        set xrange [0:1]
        set yrange [0:1]
        set size ratio 1
        set format "%.1f"
        plot x with lines linestyle 9 title "by lot", \
          for [i=0:count-1] "data" index i using 1:2 with lines linestyle i+1 \
          title columnheader(1)
        """)
  }

  private func gains() -> Figure {
    figure(
      "gains", header: ["called", "found"],
      title: { score in
        let tenth = score.gains.first { $0.share == 0.1 }?.recall.value ?? .nan
        return "\(short(score.column)): the first 10 % hold \(Int((100 * tenth).rounded())) %"
      },
      rows: { evaluation.curve(of: $0).map { [$0.called, $0.found] } },
      script: """
        base = \(report.baseRate)
        set title "Cumulative gains: positives found by calling from the top"
        set xlabel "share of all rows that are called"
        set ylabel "share of all positives that are found"
        set xrange [0:1]
        set yrange [0:1.02]
        set format "%.1f"
        set samples 1001
        best(x) = x < base ? x / base : 1
        plot x with lines linestyle 9 title "by lot", \
          best(x) with lines linestyle 9 linecolor "#6aa84f" title "all positives first", \
          for [i=0:count-1] "data" index i using 1:2 with lines linestyle i+1 \
          title columnheader(1)
        """)
  }

  private func calibration() -> Figure {
    let largest =
      report.scores.flatMap(\.bins).flatMap { [$0.meanProbability, $0.observedHigh] }
      .max() ?? 1
    // Rare positives would huddle in a corner.
    let end = min(1, (largest * 1.05 * 20).rounded(.up) / 20)
    return figure(
      "calibration",
      header: ["said", "happened", "happened_low", "happened_high", "rows", "from", "to"],
      title: { score in
        "\(short(score.column)): error \(three(score.calibrationError.value)), "
          + "noise alone below \(three(score.nullFloor.debiased95))"
      },
      rows: { index in
        report.scores[index].bins.map {
          [
            $0.meanProbability, $0.observed, $0.observedLow, $0.observedHigh, Double($0.rows),
            $0.from, $0.to,
          ]
        }
      },
      script: """
        end = \(end)
        set title "Calibration: what happened, against what was said"
        set xlabel "mean probability of rows with like probability"
        set ylabel "share of them that is positive, with 95 % interval"
        set xrange [0:end]
        set yrange [0:end]
        set size ratio 1
        set format "%.2f"
        plot x with lines linestyle 9 title "exactly right", \
          for [i=0:count-1] "data" index i using 1:2:3:4 with yerrorbars linestyle i+1 \
          linewidth 1.2 title columnheader(1), \
          for [i=0:count-1] "data" index i using 1:2 skip 1 with lines linestyle i+1 notitle
        """)
  }

  /// A column's name as far as it fits beside its numbers.
  private func short(_ name: String) -> String {
    let scalars = name.unicodeScalars
    return scalars.count <= 24 ? name : String(String.UnicodeScalarView(scalars.prefix(23))) + "…"
  }

  private func three(_ value: Double?) -> String {
    value.map { String(format: "%.3f", $0) } ?? "–"
  }
}

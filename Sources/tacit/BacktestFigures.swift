import Detraction
import Foundation
import Histories
import Learning

/// The plots of a back-test: capture over dates beside plain rules, and cumulative gains with the
/// capacity; each an SVG with its numbers as CSV beside it.
struct BacktestFigures {
  private let result: Backtest.Result
  private let zone: LocalTime

  init(_ result: Backtest.Result, zone: LocalTime) {
    self.result = result
    self.zone = zone
  }

  /// Writes four files into a folder, which is made where it is missing. Throws `output`, `service`.
  func write(to folder: String, with gnuplot: Gnuplot) throws {
    do {
      try FileManager.default.createDirectory(
        at: URL(fileURLWithPath: folder), withIntermediateDirectories: true)
    } catch {
      throw HistoriesError.output("\(folder) is no folder and cannot be made one")
    }
    for figure in [capture(), gains()] {
      let place = URL(fileURLWithPath: folder).appendingPathComponent(figure.name)
      let csv = figure.csv.map { $0.joined(separator: ",") + "\n" }.joined()
      try OutputFile.write(Data(csv.utf8), to: place.appendingPathExtension("csv"))
      let picture = try gnuplot.svg(figure.script, data: figure.data)
      try OutputFile.write(Data(picture), to: place.appendingPathExtension("svg"))
    }
  }

  private struct Figure {
    var name: String
    var csv: [[String]]
    /// The same for gnuplot, its header first.
    var data: String
    var script: String

    init(_ name: String, _ rows: [[String]], script: String) {
      self.name = name
      csv = rows
      data = rows.map { row in
        row.map { $0.isEmpty ? "?" : Gnuplot.field($0) }.joined(separator: "\t") + "\n"
      }.joined()
      self.script = script
    }
  }

  private static let rules: [(rule: Backtest.Rule, name: String)] = [
    (.bestFeature, "best_single_feature"), (.leastRecent, "least_recent"),
    (.highestValue, "highest_value"), (.mostTickets, "most_tickets"),
  ]

  private func capture() -> Figure {
    let rules = Self.rules.filter { entry in
      result.origins.contains { $0.silenced.baselines.contains { $0.rule == entry.rule } }
    }
    var rows = [
      ["date", "detractors", "called", "model", "low", "high", "by_lot"] + rules.map(\.name)
    ]
    for origin in result.origins {
      let silenced = origin.silenced
      let count = Double(silenced.detractors)
      rows.append(
        [
          localDate(origin.at, zone), "\(silenced.detractors)", "\(silenced.called)",
          number(silenced.captureShare.value), number(silenced.captureShare.low),
          number(silenced.captureShare.high), number(count > 0 ? silenced.byLot / count : nil),
        ]
          + rules.map { entry in
            number(silenced.baselines.first { $0.rule == entry.rule }?.captureShare)
          })
    }
    let names = rules.map { entry in
      switch entry.rule {
      case .bestFeature: "best single feature"
      case .leastRecent: "longest without an event"
      case .highestValue: "highest value first"
      case .mostTickets: "most tickets in 90 days"
      }
    }
    let plots = names.enumerated().map { index, name in
      "\"data\" using 0:\(8 + index) skip 1 with linespoints linestyle \(index + 2) title \"\(name)\""
    }
    return Figure(
      "capture", rows,
      script: """
        set title "Silenced detractors on the list, date by date"
        set ylabel "share of those who first spoke as detractors"
        set xlabel "past date, and how many first spoke as detractors after it" offset 0,-0.6
        set xtics font ",11"\(result.origins.count > 7 ? " rotate by 90 right" : "")
        set xrange [-0.5:\(max(1, result.origins.count)) - 0.5]
        set yrange [0:1.05]
        set format y "%.1f"
        set datafile missing "?"
        set style line 3 linecolor "#6a8f3c" linewidth 1.6 pointtype 9 pointsize 0.7
        set style line 4 linecolor "#8a5fa8" linewidth 1.6 pointtype 11 pointsize 0.7
        set style line 5 linecolor "#b04a4a" linewidth 1.6 pointtype 13 pointsize 0.7
        plot "data" using 0:4:5:6:xtic(sprintf("%s\\n%s", strcol(1), strcol(2))) skip 1 \
          with yerrorbars linestyle 1 linewidth 1.2 title "the model, with 95 % interval", \
          "data" using 0:4 skip 1 with lines linestyle 1 notitle, \
          "data" using 0:7 skip 1 with lines linestyle 9 title "by lot"\
        \(plots.isEmpty ? "" : ", ")\(plots.joined(separator: ", "))
        """)
  }

  private func gains() -> Figure {
    let rows =
      [["called", "model", "best_single_feature"]]
      + result.silenced.gains.map {
        [number($0.called), number($0.captured), number($0.bestFeature)]
      }
    let all = result.silenced
    let share = all.accounts > 0 ? Double(all.called) / Double(all.accounts) : 0
    let hasBest = all.gains.contains { $0.bestFeature != nil }
    return Figure(
      "gains", rows,
      script: """
        set title "Silenced detractors found by calling from the top"
        set xlabel "share of those who had never spoken that is called"
        set ylabel "share of those who first spoke as detractors"
        set xrange [0:1]
        set yrange [0:1.02]
        set format "%.1f"
        set datafile missing "?"
        set arrow from \(share), 0 to \(share), 1.02 nohead linecolor "#444444" dashtype (3,3)
        set label "capacity" at \(share), 0.04 offset 0.7,0 textcolor "#444444"
        plot x with lines linestyle 9 title "by lot", \
          "data" using 1:2 skip 1 with lines linestyle 1 title "the model"\
        \(hasBest ? ", \"data\" using 1:3 skip 1 with lines linestyle 2 title \"best single feature\"" : "")
        """)
  }

  private func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
}

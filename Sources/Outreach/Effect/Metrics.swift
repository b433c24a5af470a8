package import Detraction
import Histories

/// What a monitor reads: the Prometheus text format, for the node exporter's text file collector.
package enum Metrics {
  /// - Parameters:
  ///   - run: the newest published run.
  ///   - drift: its state, where it was told.
  package static func text(_ report: ServiceReport, run: Run?, drift: Drift.State?) -> String {
    var text = ""
    func metric(
      _ name: String, _ kind: String, _ help: String, _ samples: [(labels: [String], value: Double)]
    ) {
      if samples.isEmpty { return }
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
      for sample in samples {
        let labels = sample.labels.isEmpty ? "" : "{\(sample.labels.joined(separator: ","))}"
        text += "\(name)\(labels) \(number(sample.value))\n"
      }
    }
    func flows(_ flows: [ServiceReport.Flow: Int], _ second: String) -> [([String], Double)] {
      flows.sorted { ($0.key.queue, $0.key.name) < ($1.key.queue, $1.key.name) }.map {
        ([label("queue", $0.key.queue), label(second, $0.key.name)], Double($0.value))
      }
    }
    func queues(_ value: (ServiceReport.QueueLine) -> Int) -> [([String], Double)] {
      report.queues.map { ([label("queue", $0.queue)], Double(value($0))) }
    }
    metric("tacit_open_cases", "gauge", "Open cases.", queues(\.open))
    metric(
      "tacit_open_cases_by_form", "gauge", "Open cases by why they were opened.",
      flows(report.openNow, "form"))
    metric("tacit_unclaimed_cases", "gauge", "Open cases that nobody holds.", queues(\.unclaimed))
    metric("tacit_overdue_cases", "gauge", "Open cases beyond a promise.", queues(\.overdue))
    metric(
      "tacit_escalated_cases", "gauge", "Open cases that were escalated.", queues(\.escalated))
    metric(
      "tacit_escalations_due", "gauge", "Overdue cases not yet escalated.",
      queues(\.escalationsDue))
    metric(
      "tacit_cases_opened_total", "counter", "Cases ever opened.", flows(report.opened, "form"))
    metric(
      "tacit_cases_closed_total", "counter", "Cases ever closed.",
      flows(report.closedBy, "outcome"))
    metric(
      "tacit_promises", "gauge", "Promises to customers by who made them and how they stand.",
      report.promises.flatMap { line in
        [("kept", line.kept), ("broken", line.broken), ("open", line.open), ("ended", line.ended)]
          .map { ([label("owner", line.owner), label("state", $0.0)], Double($0.1)) }
      })
    metric(
      "tacit_remedies_given_total", "counter", "Remedies given, once a case.",
      report.remedies.map { ([label("remedy", $0.remedy)], Double($0.given)) })
    if let run {
      metric(
        "tacit_last_run_as_of_seconds", "gauge", "The as-of date of the newest published run.",
        [([], Double(run.asOf.microseconds) / 1e6)])
      metric(
        "tacit_last_run_silent_accounts", "gauge", "Silent accounts that it scored.",
        [([], Double(run.silent))])
      metric(
        "tacit_last_run_cases", "gauge", "Cases that it opened by a score.",
        [([], Double(run.flagged))])
    }
    if let drift {
      metric(
        "tacit_drift_state", "gauge", "1 for the state of the newest run.",
        [Drift.State.steady, .watch, .act].map {
          ([label("state", $0.rawValue)], $0 == drift ? 1 : 0)
        })
    }
    return text
  }

  /// Backslash, quote and line end escaped, byte by byte, as the format asks.
  private static func label(_ name: String, _ value: String) -> String {
    var escaped: [UInt8] = []
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): escaped += Array("\\\\".utf8)
      case UInt8(ascii: "\""): escaped += Array("\\\"".utf8)
      case UInt8(ascii: "\n"): escaped += Array("\\n".utf8)
      default: escaped.append(byte)
      }
    }
    return "\(name)=\"\(String(decoding: escaped, as: UTF8.self))\""
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}

import ArgumentParser
import Detraction
import Foundation
import Histories

/// `tacit check`: the project file and all of its data, every problem at once.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Validate the project file and its data; say every problem at once.",
    discussion: """
      Reads everything that a run would read, changes nothing, and says what is wrong by file, line \
      and count, never with names, ids or rows. Errors are what a run would refuse (exit status 65, \
      or 66 and 69 where something is missing or down); warnings are for somebody to look at, notes \
      are often as they should be (status 0). docs/OPERATIONS.md has the list.

      Volume and freshness are those of the day before --as-of (default: today).

      Try:
        tacit check --as-of 2026-03-02
        tacit check --json | jq '.findings[] | select(.severity != "note")'
      """)

  @OptionGroup var options: ProjectOptions
  @Option(
    help: ArgumentHelp(
      "The date that a run would have: YYYY-MM-DD or a full instant (default: --now).",
      valueName: "date"))
  var asOf: String?
  @Option(
    help: ArgumentHelp(
      "Events later than this are in the future (default: --as-of, else now).",
      valueName: "instant"))
  var now: String?

  func run() throws {
    let session = try Session(options)
    let zone = session.histories.timeZone
    let given = try asOf.map { (text) throws in try time(text, "--as-of", zone) }
    let now = try time(self.now ?? asOf, "--now", zone)
    let date = given ?? now
    let judged = session.feedback?.signals.filter { $0.rule.isTwoSided }.map(\.kind) ?? []
    let progress = Progress(options, "checking")
    let check = DataCheck(
      session.histories, roles: session.feedback?.roles ?? [:], judged: Set(judged), asOf: date,
      now: now, threads: options.threadCount, progress: { progress.report($0, $1) })
    progress.done()
    if options.json {
      try printJSON(CheckReport(check, asOf: date, zone: zone))
    } else {
      for line in CheckText(check, asOf: date, zone: zone).lines { print(line) }
    }
    if check.status != 0 { throw ExitCode(check.status) }
  }
}

/// What `check` found, as JSON.
struct CheckReport: Encodable {
  struct Problem: Encodable {
    struct Place: Encodable {
      var file: String
      /// One of them: a file's line, or a row of what has no lines.
      var line, row: Int?
    }
    var severity, code, text: String
    var count: Int
    var places: [Place]
  }
  struct Kind: Encodable {
    var kind, role: String
    var events, withValue: Int
    var least, most: Double?
    var first, last: String
  }
  struct Table: Encodable {
    var table: Int
    var path: String
    /// The last day with events before the as-of date, how many days before, and the events of the day
    /// before beside the median of the same weekdays.
    var newest: String?
    var daysOld, lastDay: Int?
    var median: Double?
  }
  var asOf: String
  var status: Int
  var errors, warnings, notes: Int
  var findings: [Problem]
  var read: ReadReport
  var tables: [Table]
  var kinds: [Kind]
  var accounts: Int?
  var accountsWithEvents: Int

  init(_ check: DataCheck, asOf: Instant, zone: LocalTime) {
    self.asOf = asOf.description
    status = Int(check.status)
    errors = check.count(.error)
    warnings = check.count(.warning)
    notes = check.count(.note)
    findings = check.findings.map {
      Problem(
        severity: $0.severity.rawValue, code: $0.code, text: $0.text, count: $0.count,
        places: $0.places.map {
          .init(
            file: $0.file, line: $0.countsRows ? nil : $0.line, row: $0.countsRows ? $0.line : nil)
        })
    }
    read = ReadReport(check.files)
    tables = check.volumes.map {
      let state = $0.state(before: asOf, zone: zone)
      return Table(
        table: $0.table, path: $0.path, newest: state.map { calendarDay($0.newest) },
        daysOld: state?.age, lastDay: state?.lastDay, median: state?.median)
    }
    kinds = check.kinds.map {
      Kind(
        kind: $0.name, role: $0.role.rawValue, events: $0.events, withValue: $0.valued,
        least: $0.valued > 0 ? $0.least : nil, most: $0.valued > 0 ? $0.most : nil,
        first: Instant(microseconds: $0.first).description,
        last: Instant(microseconds: $0.last).description)
    }
    accounts = check.accounts
    accountsWithEvents = check.accountsWithEvents
  }
}

extension DataCheck {
  func count(_ severity: Finding.Severity) -> Int { findings.count { $0.severity == severity } }
}

/// A day count as a date.
func calendarDay(_ day: Int) -> String {
  let (year, month, day) = civilDate(daysSinceEpoch: day)
  return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
}

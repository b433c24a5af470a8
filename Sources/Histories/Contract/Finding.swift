/// One thing that `check` found in the data. It names files, lines, columns and kinds, never an
/// account or a row's contents.
package struct Finding: Sendable, Equatable {
  package enum Severity: String, Sendable, CaseIterable {
    /// Reading for a run would refuse the data.
    case error
    /// A run would go on, and somebody should look.
    case warning
    /// Worth knowing, and often as it should be.
    case note
  }

  package struct Place: Sendable, Equatable {
    package var file: String
    /// The line, or of what has no lines the row, from 1.
    package var line: Int
    /// Whether it is a row.
    package var countsRows: Bool

    package var text: String { "\(file), \(countsRows ? "row" : "line") \(line)" }
  }

  package var severity: Severity
  /// What it is, for programs: `unusable_rows`, `future_events` …
  package var code: String
  /// The same in a sentence.
  package var text: String
  /// How many rows, files or kinds it is about.
  package var count: Int
  /// The first of them, at most three.
  package var places: [Place]

  init(
    _ severity: Severity, _ code: String, _ text: String, count: Int = 1, places: [Place] = []
  ) {
    self.severity = severity
    self.code = code
    self.text = text
    self.count = count
    self.places = places
  }
}

/// How often something was met, and where first.
struct Sightings {
  private(set) var count = 0
  private(set) var places: [Finding.Place] = []

  mutating func add(_ place: @autoclosure () -> Finding.Place) {
    count += 1
    if places.count < 3 { places.append(place()) }
  }
}

import Histories

/// What a report is made of. What is nil is not known: its section says so, and what would tell.
package struct ReportFacts: Sendable {
  package var version: ModelVersion
  package var isChampion: Bool
  /// Calls that the queues take on a business day, and within a label window.
  package var callsPerDay: Int?
  package var callable: Int?
  package var silent: SilentSummary
  /// Whether all that is counted here is of the lot of accounts that the model was learnt from.
  package var isLot = false
  package var heldOut: HeldOutFacts?
  package var manifest: VersionManifest?
  package var history: [ChampionChange]
  /// Other ways of telling detractors; nil where none was trained.
  package var variants: [LabelVariant]?
  /// What `tacit backtest` found.
  package var backtest: Backtest.Result?
  /// Since the training; nil where scores are of its own date.
  package var drift: NightDrift?
  /// Comparison with the champion, where this version is none.
  package var comparison: ModelComparison?

  package var model: Model { version.model }
  /// The date of an instant in the project's time zone.
  func date(_ instant: Instant) -> String {
    let zone = LocalTime(identifier: model.timeZone) ?? .utc
    let date = civilDate(daysSinceEpoch: zone.date(of: instant))
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
  }

  package var overlap: Overlap? { model.evidence?.overlap }
  package var level: SilentLevel? { model.level }

  package init(
    version: ModelVersion, isChampion: Bool, callsPerDay: Int?, callable: Int?,
    silent: SilentSummary, heldOut: HeldOutFacts?, manifest: VersionManifest? = nil,
    history: [ChampionChange] = [], variants: [LabelVariant]? = nil,
    comparison: ModelComparison? = nil
  ) {
    self.version = version
    self.isChampion = isChampion
    self.callsPerDay = callsPerDay
    self.callable = callable
    self.silent = silent
    self.heldOut = heldOut
    self.manifest = manifest
    self.history = history
    self.variants = variants
    self.comparison = comparison
  }
}

/// A part of a report: text, and figures that are put in where it marks their places.
struct ReportSection {
  var id: String
  var title: String
  /// HTML, every text of the user's escaped; `Self.place(of:)` stands where a figure goes.
  var html: String
  var figures: [ReportFigure] = []

  static func place(of figure: ReportFigure) -> String { "<!--figure \(figure.name)-->\n" }

  mutating func add(_ figure: ReportFigure) {
    figures.append(figure)
    html += Self.place(of: figure)
  }

  /// A section whose facts are not there.
  static func missing(_ id: String, _ title: String, _ what: String) -> ReportSection {
    ReportSection(id: id, title: title, html: HTMLText.paragraph(what, class: "missing"))
  }
}

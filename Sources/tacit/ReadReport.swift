import Histories

/// What was read, as JSON: one object a file.
struct ReadReport: Encodable {
  struct File: Encodable {
    var section: String
    /// Which `[[events]]` table, from 1; nil for the other sections.
    var table: Int?
    var path: String
    var rows: Int
    var bytes: Int
    var seconds: Double
    var rowsPerSecond: Double?
    var quarantined: Int
    var sameAs: String?
  }

  private let files: [File]

  init(_ read: [IntakeReport.File]) {
    files = read.map {
      File(
        section: $0.section, table: $0.table > 0 ? $0.table : nil, path: $0.path, rows: $0.rows,
        bytes: $0.bytes, seconds: $0.seconds, rowsPerSecond: $0.rowsPerSecond,
        quarantined: $0.badRows, sameAs: $0.sameAs)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(files)
  }
}

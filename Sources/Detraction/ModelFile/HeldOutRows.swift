import Foundation
package import Histories

/// A respondent's row as training met it: scored by a fit that saw no row of the same customer.
///
/// What versions are compared on and what a report's figures are drawn from. It stands in a sidecar
/// by account id, which erasure can edit (DESIGN 8), two-sided feedback alone.
package struct HeldOutRow: Sendable, Equatable {
  package var account: String
  /// The snapshot that the row looks back from.
  package var asOf: Instant
  package var isDetractor: Bool
  /// Whether the account was silent at the snapshot.
  package var wasSilent: Bool
  /// What the row counts for in training.
  package var weight: Double
  /// Out of fold, before calibration.
  package var logit: Double

  package init(
    account: String, asOf: Instant, isDetractor: Bool, wasSilent: Bool, weight: Double = 1,
    logit: Double
  ) {
    self.account = account
    self.asOf = asOf
    self.isDetractor = isDetractor
    self.wasSilent = wasSilent
    self.weight = weight
    self.logit = logit
  }
}

/// `held-out.csv` of a version: `account_id,as_of,detractor,was_silent,weight,logit`.
enum HeldOutFile {
  static let name = "held-out.csv"

  static func contents(_ rows: [HeldOutRow]) -> Data {
    var text = "account_id,as_of,detractor,was_silent,weight,logit\n"
    for row in rows {
      text += "\(csvField(row.account)),\(row.asOf),\(row.isDetractor ? 1 : 0),"
      text += "\(row.wasSilent ? 1 : 0),\(row.weight),\(row.logit)\n"
    }
    return Data(text.utf8)
  }

  /// Empty where there is no such file: versions from before there was one. Throws `histories` for a
  /// file of another shape.
  static func read(_ file: URL) throws(DetractionError) -> [HeldOutRow] {
    guard FileManager.default.fileExists(atPath: file.path) else { return [] }
    return try translating {
      let table = try CSVTable(path: file.path)
      let columns = try ["account_id", "as_of", "detractor", "was_silent", "weight", "logit"].map {
        try table.column($0, for: "held-out rows")
      }
      return try (0..<table.rowCount).map { row in
        guard let account = table.text(row, columns[0]),
          let asOf = Instant(iso8601: table.cell(row, columns[1]), zone: nil),
          let isDetractor = flag(table, row, columns[2]),
          let wasSilent = flag(table, row, columns[3]),
          case .number(let weight) = table.number(row, columns[4]), weight >= 0,
          case .number(let logit) = table.number(row, columns[5])
        else {
          throw HistoriesError.dataContract(
            "\(file.path), line \(table.line(row)): expected an account id, an instant, 0 or 1 "
              + "twice, a weight and a logit")
        }
        return HeldOutRow(
          account: account, asOf: asOf, isDetractor: isDetractor, wasSilent: wasSilent,
          weight: weight, logit: logit)
      }
    }
  }

  private static func flag(_ table: CSVTable, _ row: Int, _ column: Int) -> Bool? {
    switch table.number(row, column) {
    case .number(1): true
    case .number(0): false
    default: nil
    }
  }
}

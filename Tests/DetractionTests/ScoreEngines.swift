import Detraction
import Foundation
import Histories
import TestSupport
import Testing

/// Runs a model's score stages over a table of features, in either engine.
struct ScoreEngines {
  /// An account's row of `features`, its categorical cells by their texts.
  struct Row {
    var account: String
    var values: [Cell]
  }

  enum Cell {
    case missing
    case number(Double)
    case text(String)
  }

  struct Answer {
    var account: String
    var logit: Double
    var probability: Double
    var band: String
    /// Decoded from the JSON text.
    var parts: [ScoreOracle.Part]
  }

  /// The cells of a raw vector.
  static func cells(_ raw: [Double], _ model: Model) -> [Cell] {
    raw.enumerated().map { place, value in
      if value.isNaN { return .missing }
      if case .categorical = model.schema.features[place] {
        return .text(model.schema.levels[place][Int(value)])
      }
      return .number(value)
    }
  }

  private let folder: URL
  private let columns: [(name: String, type: String)]

  init(_ model: Model, _ rows: [Row]) throws {
    folder = try temporaryFolder()
    columns =
      [("account_id", "VARCHAR")]
      + model.schema.features.enumerated().map { place, feature in
        if case .categorical = feature { return ("f\(place)", "VARCHAR") }
        return ("f\(place)", "DOUBLE")
      }
    var text = ""
    for row in rows {
      let cells = row.values.enumerated().compactMap { place, cell -> String? in
        switch cell {
        case .missing: nil
        case .number(let number): "\"f\(place)\":\(number)"
        case .text(let text): "\"f\(place)\":\(Self.json(text))"
        }
      }
      text +=
        "{\"account_id\":\(Self.json(row.account))"
        + cells.map { ",\($0)" }.joined() + "}\n"
    }
    try Data(text.utf8).write(to: folder.appendingPathComponent("features.json"))
  }

  private static func json(_ text: String) -> String {
    (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }

  private func query(_ model: Model, _ dialect: SQLDialect) throws -> String {
    let stages = try ScoreStages(model, dialect: dialect).stages
    return "WITH " + stages.map { "\($0.name) AS (\n\($0.body)\n)" }.joined(separator: ",\n")
      + "\nSELECT account_id, logit, probability, band, reasons FROM scored"
  }

  /// Nil, with a line that says what was skipped, where the engine is not installed.
  func run(_ model: Model, _ dialect: SQLDialect, test: String = #function) throws -> [Answer]? {
    let query = try query(model, dialect)
    switch dialect {
    case .duckdb:
      guard let duckdb = try DuckDB.linked(into: try temporaryFolder(), test: test) else {
        return nil
      }
      let types = columns.map { "\($0.name): '\($0.type)'" }.joined(separator: ", ")
      let script = """
        CREATE TABLE features AS FROM read_json('\(folder.path)/features.json',
          format = 'newline_delimited', columns = {\(types)});
        COPY (\(query)) TO '\(folder.path)/scores.json' (FORMAT json);
        """
      let path = folder.appendingPathComponent("\(UUID().uuidString).sql")
      try Data(script.utf8).write(to: path)
      try duckdb.run(".read \(path.path)")
      return try Data(contentsOf: folder.appendingPathComponent("scores.json"))
        .split(separator: UInt8(ascii: "\n")).map { line in
          let found = try JSONDecoder().decode(Written.self, from: line)
          return try Answer(
            account: found.account_id, logit: found.logit, probability: found.probability,
            band: found.band, parts: Self.parts(found.reasons))
        }
    case .spark:
      let types = columns.map { "\($0.name) \($0.type == "VARCHAR" ? "STRING" : $0.type)" }
        .joined(separator: ", ")
      let found = try Spark.run(
        """
        CREATE TEMPORARY VIEW features (\(types)) USING json
          OPTIONS (path '\(folder.path)/features.json');
        \(query);
        """, test: test)
      return try found?.rows.map { row in
        guard let account = row[0].text, let logit = row[1].number, let p = row[2].number,
          let band = row[3].text, let reasons = row[4].text
        else { throw Unexpected(row: row) }
        return try Answer(
          account: account, logit: logit, probability: p, band: band, parts: Self.parts(reasons))
      }
    }
  }

  private static func parts(_ text: String) throws -> [ScoreOracle.Part] {
    try JSONDecoder().decode([ScoreOracle.Part].self, from: Data(text.utf8))
  }

  private struct Written: Decodable {
    var account_id: String
    var logit, probability: Double
    var band, reasons: String
  }

  private struct Unexpected: Error {
    var row: [Spark.Cell]
  }
}

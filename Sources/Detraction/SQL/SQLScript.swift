import Foundation
package import Histories

/// What a project file and a schema or model say, as one SQL text for an engine that runs in the
/// project's folder: statements that set the scene, then one query.
package struct SQLScript {
  /// Statements to come first.
  package let preamble: [String]
  package let dialect: SQLDialect
  private let stages: [(name: String, body: String)]
  private let sources: EventSQL
  private let schema: FeatureSchema
  private let asOf: Instant
  private let labels: FeatureSQL.Labels?

  /// Throws `insufficient` where the schema looks at feedback, `dataContract` for a source that the
  /// engine cannot read. `folder`: the project's, from which paths start.
  package init(
    _ settings: HistorySettings, schema: FeatureSchema, roles: [String: KindRole],
    silentForDays: Int, watched: FeatureSQL.Watched? = nil, asOf: Instant,
    labels: FeatureSQL.Labels? = nil, folder: String, dialect: SQLDialect
  ) throws(DetractionError) {
    var features = try FeatureSQL(
      settings, schema: schema, roles: roles, silentForDays: silentForDays, watched: watched,
      asOf: asOf, labels: labels, folder: folder, dialect: dialect)
    preamble = try features.preamble()
    stages = try features.stages()
    sources = EventSQL(settings: settings, dialect: dialect, folder: folder)
    self.schema = schema
    self.labels = labels
    self.dialect = dialect
    self.asOf = asOf
  }

  /// The query of the vectors of everybody with a history: account_id, then a column a feature by its
  /// name. With labels, those of each training row: as_of (the snapshot), the features, is_detractor,
  /// was_silent, and what makes up for controls that were left out: weight (1 for detractors, 1 ÷ share
  /// for others), or for a fit without weights offset (−ln share, which a logit then starts from:
  /// Prentice and Pyke 1979, doi:10.1093/biomet/66.3.403).
  package var vectors: String {
    var columns = schema.features.enumerated().map {
      "f\($0.offset) AS \(dialect.identifier($0.element.name))"
    }
    var rows = "account_id IS NOT NULL AND ordinary > 0"
    if let labels {
      let dates = labels.training.snapshots(asOf: asOf).map {
        "WHEN \($0.microseconds) THEN \(dialect.literal($0.description))"
      }
      columns.insert("CASE t \(dates.joined(separator: " ")) END AS as_of", at: 0)
      let (weight, offset) = (1 / labels.controls, -log(labels.controls))
      columns += [
        "CASE WHEN negative THEN 1 ELSE 0 END AS is_detractor",
        "CASE WHEN voice <> 'recent' THEN 1 ELSE 0 END AS was_silent",
        "CASE WHEN negative THEN 1e0 ELSE \(SQLText.literal(weight)) END AS weight",
        "\(SQLText.literal(offset)) AS \(dialect.identifier("offset"))",
      ]
      rows += " AND NOT do_not_profile"
    }
    return Self.with(stages) + "SELECT account_id" + columns.map { ",\n  \($0)" }.joined()
      + "\nFROM features\nWHERE \(rows)"
  }

  /// `vectors` as a whole script.
  package var features: String { script(vectors) }

  /// The scores of the silent, a row each, in no order.
  package func scores(_ version: ModelVersion) throws(DetractionError) -> String {
    script(
      try query(
        """
        SELECT account_id, \(dialect.literal(asOf.description)) AS as_of,
          \(dialect.literal(version.version)) AS model, logit, probability, band, reasons, eligible
        FROM scores
        WHERE silent
        """, over: version.model))
  }

  /// A query over `scores`: everybody's columns of `features` and logit, probability, band, reasons,
  /// silent, eligible and the columns `added`, which may name all but the last two.
  package func query(
    _ query: String, over model: Model, adding added: [(name: String, expression: String)] = []
  ) throws(DetractionError) -> String {
    let columns = added.map { ",\n  \($0.expression) AS \($0.name)" }.joined()
    let all =
      stages + (try ScoreStages(model, dialect: dialect).stages) + [
        (
          "scores",
          """
          SELECT *, account_id IS NOT NULL AND ordinary > 0 AND voice <> 'recent'
              AND NOT do_not_profile AS silent,
            NOT do_not_contact AS eligible\(columns)
          FROM scored
          """
        )
      ]
    return Self.with(all) + query
  }

  /// The rows of the accounts that a query names as account_id.
  package func rows(of chosen: String) throws(DetractionError) -> EventSQL.AccountRows {
    try sources.rows { "\($0) IN (\(chosen))" }
  }

  /// Statements, each ended.
  package func script(_ statements: String...) -> String {
    (preamble + statements).map { $0 + ";\n" }.joined(separator: "\n")
  }

  private static func with(_ stages: [(name: String, body: String)]) -> String {
    "WITH " + stages.map { "\($0.name) AS (\n\($0.body)\n)" }.joined(separator: ", ") + "\n"
  }
}

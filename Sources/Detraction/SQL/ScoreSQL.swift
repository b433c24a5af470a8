import Learning

/// A fitted model's score as one SQL text for DuckDB.
package enum ScoreSQL {
  /// A whole query over a table (or view) called `vectors`: its columns, then `logit` and
  /// `probability`. NULL is missing; a column of numbers is cast to DOUBLE, one of texts to VARCHAR.
  package static func query(_ score: PortableScore) -> String {
    let dialect = SQLDialect.duckdb
    let sources = score.sources.map {
      ScoreColumns.Source(column: dialect.identifier($0.name), levels: $0.levels)
    }
    var stages: [[ScoreColumns.Added]] = []
    let terms: [String]
    if let design = score.design {
      let columns = ScoreColumns(design, sources: sources, dialect: dialect)
      let weighted = score.coefficients.indices.filter { score.coefficients[$0] != 0 }
      stages = columns.stages(of: weighted)
      terms = weighted.map { "\(SQLText.literal(score.coefficients[$0])) * \(columns.name($0))" }
    } else {
      terms = zip(sources, score.coefficients).map {
        "\(SQLText.literal($1)) * CAST(\($0.column) AS DOUBLE)"
      }
    }
    let logit = dialect.identifier("logit")
    let calibration = ScoreProbability(calibration: score.calibration, dialect: dialect)
    let calibrated = calibration.stages(logit: logit)
    let added = (stages + calibrated).joined().map(\.name)
    stages.append([(logit, SQLText.sum([SQLText.literal(score.intercept)] + terms))])
    var text = """
      -- The logit and the probability of every row of the table or view "vectors", as `tacit predict`
      -- gives them. NULL is missing. To run it with DuckDB:
      --   duckdb -c "CREATE VIEW vectors AS FROM 'data.parquet'" -c ".read this.sql"

      """
    var before = dialect.identifier("vectors")
    for (index, stage) in (stages + calibrated).enumerated() {
      let name = dialect.identifier("tacit \(index)")
      text +=
        "\(index == 0 ? "WITH" : ",") \(name) AS (\n\(adding(stage, to: before, dialect: dialect))\n)"
      before = name
    }
    return text
      + "\nSELECT \(dialect.except(added)),\n  \(calibration.probability) AS "
      + "\(dialect.identifier("probability"))\nFROM \(before);\n"
  }

  /// A query that adds columns to a relation, and leaves some out.
  static func adding(
    _ stage: [ScoreColumns.Added], to relation: String, without left: [String] = [],
    dialect: SQLDialect
  ) -> String {
    "SELECT \(dialect.except(left))"
      + stage.map { ",\n  \($0.expression) AS \($0.name)" }.joined() + "\nFROM \(relation)"
  }
}

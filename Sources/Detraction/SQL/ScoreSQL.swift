import Learning

/// A model's score as one SQL text.
package enum ScoreSQL {
  /// A whole query over a table (or view) called `vectors`: its columns, then `logit` and
  /// `probability`. NULL is missing; a column of numbers is cast to DOUBLE, one of texts to VARCHAR.
  package static func query(_ score: PortableScore) -> String {
    """
    -- The logit and the probability of every row of the table or view "vectors", as `tacit predict`
    -- gives them. NULL is missing. To run it with DuckDB:
    --   duckdb -c "CREATE VIEW vectors AS FROM 'data.parquet'" -c ".read this.sql"
    WITH scored AS (
    SELECT *,
      \(logit(score)) AS "logit"
    FROM "vectors"
    )
    SELECT *, \(probability("\"logit\"")) AS "probability"
    FROM scored;

    """
  }

  /// The expression of the logit.
  package static func logit(_ score: PortableScore) -> String {
    let terms: [String]
    if let design = score.design {
      terms = zip(design.columns, score.coefficients).compactMap { column, coefficient in
        if coefficient == 0 { return nil }
        let source = score.sources[column.source]
        return SQLText.literal(coefficient) + " * " + standardised(column, source)
      }
    } else {
      terms = zip(score.sources, score.coefficients).map {
        SQLText.literal($1) + " * " + number($0)
      }
    }
    return SQLText.sum([SQLText.literal(score.intercept)] + terms)
  }

  /// The probability of a logit, without overflow: EXP of nothing above 0.
  package static func probability(_ logit: String) -> String {
    "CASE WHEN \(logit) >= 0 THEN 1e0 / (1e0 + EXP(-\(logit))) "
      + "ELSE EXP(\(logit)) / (1e0 + EXP(\(logit))) END"
  }

  /// (basis(x) − mean) / scale, 0 where that is missing.
  static func standardised(_ column: DesignColumn, _ source: VectorColumn) -> String {
    let value = basis(column.basis, source)
    let term =
      "((\(value.text) - \(SQLText.literal(column.mean))) / \(SQLText.literal(column.scale)))"
    return value.canBeMissing ? "COALESCE(\(term), 0e0)" : term
  }

  /// The column's value before standardisation, and whether it can be NULL.
  static func basis(_ basis: Basis, _ source: VectorColumn) -> (text: String, canBeMissing: Bool) {
    func when(_ condition: String) -> (String, Bool) {
      ("CASE WHEN \(condition) THEN 1e0 ELSE 0e0 END", false)
    }
    let levels = source.levels ?? []
    switch basis {
    case .linear:
      return (number(source), true)
    case .log1p:
      return (log1p(number(source)), true)
    case .missing:
      if source.levels == nil { return when("\(number(source)) IS NULL") }
      // A text that is no level is missing too.
      return ("CASE WHEN \(isOne(of: levels, source)) THEN 0e0 ELSE 1e0 END", false)
    case .level(let code):
      return when(isOne(of: [levels[code]], source))
    case .pooled(let codes):
      return when(isOne(of: codes.map { levels[$0] }, source))
    }
  }

  private static func number(_ source: VectorColumn) -> String {
    "CAST(\(SQLText.identifier(source.name)) AS DOUBLE)"
  }

  private static func isOne(of levels: [String], _ source: VectorColumn) -> String {
    guard !levels.isEmpty else { return "FALSE" }
    return "CAST(\(SQLText.identifier(source.name)) AS VARCHAR) IN ("
      + levels.map(SQLText.literal).joined(separator: ", ") + ")"
  }

  /// sign(x) log(1 + |x|), as exact as a library's log1p: with u = 1 + |x| rounded,
  /// log(1 + |x|) = log(u) |x| / (u − 1), whose rounding errors cancel. Source: W. Kahan, in
  /// Goldberg 1991, theorem 4, doi:10.1145/103162.103163.
  private static func log1p(_ x: String) -> String {
    let u = "(1e0 + ABS(\(x)))"
    return "SIGN(\(x)) * CASE WHEN \(u) - 1e0 = 0e0 THEN ABS(\(x)) "
      + "ELSE LN(\(u)) * (ABS(\(x)) / (\(u) - 1e0)) END"
  }
}

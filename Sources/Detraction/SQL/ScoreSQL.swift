import Learning

/// A model's score as one SQL text.
///
/// Made in stages, each a subquery that adds columns to the one before, so that what many terms share
/// is written once: cleaned numbers, their logarithms, the standardised columns that pairs multiply,
/// the logit.
package struct ScoreSQL {
  private let score: PortableScore
  /// The columns that each stage adds.
  private var stages: [[(name: String, expression: String)]] = []
  private var terms: [String] = []

  /// A whole query over a table (or view) called `vectors`: its columns, then `logit` and
  /// `probability`. NULL is missing; a column of numbers is cast to DOUBLE, one of texts to VARCHAR.
  package static func query(_ score: PortableScore) -> String {
    ScoreSQL(score).query
  }

  private init(_ score: PortableScore) {
    self.score = score
    guard let design = score.design else {
      terms = zip(score.sources, score.coefficients).map {
        SQLText.literal($1) + " * CAST(\(SQLText.identifier($0.name)) AS DOUBLE)"
      }
      return
    }
    let pairs = design.pairs.indices.filter { score.coefficients[design.columns.count + $0] != 0 }
    let multiplied = Set(pairs.flatMap { [design.pairs[$0].first, design.pairs[$0].second] })
    let weighted = design.columns.indices.filter { score.coefficients[$0] != 0 }
    let needed = design.columns.indices.filter {
      multiplied.contains($0) || score.coefficients[$0] != 0
    }
    let numbers = Set(needed.map { design.columns[$0].source })
      .filter { score.sources[$0].levels == nil }.sorted()
    stages.append(numbers.map { (Self.number($0), cleaned($0, design.cleaning[$0])) })
    let logged = Set(needed.filter { Self.usesLog(design.columns[$0].basis) })
    stages.append(
      Set(logged.map { design.columns[$0].source }).sorted().map {
        (Self.log($0), Self.signedLog(Self.number($0)))
      })
    stages.append(
      multiplied.sorted().map { (Self.product($0), standardised(design.columns[$0])) })
    terms = weighted.map {
      SQLText.literal(score.coefficients[$0]) + " * "
        + (multiplied.contains($0) ? Self.product($0) : standardised(design.columns[$0]))
    }
    terms += pairs.map { index in
      let pair = design.pairs[index]
      let value = "\(Self.product(pair.first)) * \(Self.product(pair.second))"
      return SQLText.literal(score.coefficients[design.columns.count + index]) + " * "
        + Self.scaled(value, pair.mean, pair.scale)
    }
  }

  private var query: String {
    var text = """
      -- The logit and the probability of every row of the table or view "vectors", as `tacit predict`
      -- gives them. NULL is missing. To run it with DuckDB:
      --   duckdb -c "CREATE VIEW vectors AS FROM 'data.parquet'" -c ".read this.sql"

      """
    let logit = SQLText.sum([SQLText.literal(score.intercept)] + terms)
    let added = stages.joined().map(\.name)
    var before = "\"vectors\""
    for (index, stage) in (stages.filter { !$0.isEmpty } + [[("\"logit\"", logit)]]).enumerated() {
      let columns = stage.map { ",\n  \($0.expression) AS \($0.name)" }.joined()
      text +=
        "\(index == 0 ? "WITH" : ",") \"tacit \(index)\" AS (\nSELECT *\(columns)\nFROM \(before)\n)"
      before = "\"tacit \(index)\""
    }
    let kept = added.isEmpty ? "*" : "* EXCLUDE (\(added.joined(separator: ", ")))"
    return text
      + "\nSELECT \(kept),\n  \(Self.probability("\"logit\"", score.calibration)) AS \"probability\"\n"
      + "FROM \(before);\n"
  }

  // The names of columns that stages add.
  private static func number(_ source: Int) -> String { "\"tacit x\(source)\"" }
  private static func log(_ source: Int) -> String { "\"tacit l\(source)\"" }
  private static func product(_ column: Int) -> String { "\"tacit z\(column)\"" }

  /// The probability of a logit.
  private static func probability(_ logit: String, _ calibration: ScoreCalibration) -> String {
    func number(_ value: Double) -> String { SQLText.literal(value) }
    switch calibration {
    case .none:
      return sigmoid(logit)
    case .platt(let slope, let intercept):
      return sigmoid("(\(number(slope)) * \(logit) + \(number(intercept)))")
    case .beta(let a, let b, let c):
      return sigmoid(
        "(\(number(c)) - \(number(a)) * \(softplus("(-\(logit))")) + \(number(b)) "
          + "* \(softplus(logit)))")
    case .isotonic(let knots):
      let ramps = knots.ramps.map {
        "\(number($0.slope)) * (LEAST(GREATEST(\(logit), \(number($0.from))), \(number($0.to))) "
          + "- \(number($0.from)))"
      }
      return SQLText.sum([number(knots.probabilities[0])] + ramps)
    }
  }

  /// Without overflow: EXP of nothing above 0.
  private static func sigmoid(_ logit: String) -> String {
    "CASE WHEN \(logit) >= 0 THEN 1e0 / (1e0 + EXP(-\(logit))) "
      + "ELSE EXP(\(logit)) / (1e0 + EXP(\(logit))) END"
  }

  /// log(1 + exp(x)).
  private static func softplus(_ x: String) -> String {
    "(GREATEST(\(x), 0e0) + LN(1e0 + EXP(-ABS(\(x)))))"
  }

  private static func scaled(_ value: String, _ mean: Double, _ scale: Double) -> String {
    "((\(value) - \(SQLText.literal(mean))) / \(SQLText.literal(scale)))"
  }

  /// A number as bases see it; `SourceCleaning` in SQL. NaN, which some tables hold, is missing.
  private func cleaned(_ source: Int, _ cleaning: SourceCleaning) -> String {
    let x = "CAST(\(SQLText.identifier(score.sources[source].name)) AS DOUBLE)"
    var text = "CASE WHEN ISNAN(\(x)) THEN NULL"
    if !cleaning.missingCodes.isEmpty {
      let codes = cleaning.missingCodes.map { SQLText.literal($0) }
      text += " WHEN \(x) IN (\(codes.joined(separator: ", "))) THEN NULL"
    }
    if let lower = cleaning.lower.map({ SQLText.literal($0) }) {
      text += " WHEN \(x) < \(lower) THEN \(lower)"
    }
    if let upper = cleaning.upper.map({ SQLText.literal($0) }) {
      text += " WHEN \(x) > \(upper) THEN \(upper)"
    }
    return text + " ELSE \(x) END"
  }

  /// (basis(x) − mean) / scale, 0 where that is missing.
  private func standardised(_ column: DesignColumn) -> String {
    let value = basis(column)
    let term = Self.scaled(value.text, column.mean, column.scale)
    return value.canBeMissing ? "COALESCE(\(term), 0e0)" : term
  }

  /// The column's value before standardisation, and whether it can be NULL.
  private func basis(_ column: DesignColumn) -> (text: String, canBeMissing: Bool) {
    let x = Self.number(column.source)
    let log = Self.log(column.source)
    let levels = score.sources[column.source].levels ?? []
    func hinge(_ x: String, _ knot: Double) -> (String, Bool) {
      let knot = SQLText.literal(knot)
      return (
        "CASE WHEN \(x) > \(knot) THEN \(x) - \(knot) WHEN \(x) <= \(knot) THEN 0e0 END", true
      )
    }
    func isOne(of texts: [String]) -> String {
      if texts.isEmpty { return "FALSE" }
      let name = SQLText.identifier(score.sources[column.source].name)
      return "CAST(\(name) AS VARCHAR) IN ("
        + texts.map(SQLText.literal).joined(separator: ", ") + ")"
    }
    func when(_ condition: String) -> (String, Bool) {
      ("CASE WHEN \(condition) THEN 1e0 ELSE 0e0 END", false)
    }
    switch column.basis {
    case .linear: return (x, true)
    case .log1p: return (log, true)
    case .missing:
      if score.sources[column.source].levels == nil { return when("\(x) IS NULL") }
      // A text that is no level is missing too.
      return ("CASE WHEN \(isOne(of: levels)) THEN 0e0 ELSE 1e0 END", false)
    case .nonzero: return ("CASE WHEN \(x) <> 0e0 THEN 1e0 WHEN \(x) = 0e0 THEN 0e0 END", true)
    case .step(let knot):
      let knot = SQLText.literal(knot)
      return ("CASE WHEN \(x) > \(knot) THEN 1e0 WHEN \(x) <= \(knot) THEN 0e0 END", true)
    case .hinge(let knot): return hinge(x, knot)
    case .logHinge(let knot): return hinge(log, knot)
    case .level(let code): return when(isOne(of: [levels[code]]))
    case .pooled(let codes): return when(isOne(of: codes.map { levels[$0] }))
    }
  }

  private static func usesLog(_ basis: Basis) -> Bool {
    switch basis {
    case .log1p, .logHinge: true
    case .linear, .missing, .nonzero, .step, .hinge, .level, .pooled: false
    }
  }

  /// sign(x) log(1 + |x|), as exact as a library's log1p: with u = 1 + |x| rounded,
  /// log(1 + |x|) = log(u) |x| / (u − 1), whose rounding errors cancel. Source: W. Kahan, in
  /// Goldberg 1991, theorem 4, doi:10.1145/103162.103163.
  private static func signedLog(_ x: String) -> String {
    let u = "(1e0 + ABS(\(x)))"
    return "SIGN(\(x)) * CASE WHEN \(u) - 1e0 = 0e0 THEN ABS(\(x)) "
      + "ELSE LN(\(u)) * (ABS(\(x)) / (\(u) - 1e0)) END"
  }
}

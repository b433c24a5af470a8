import Learning

/// The standardised columns of a design as SQL, over a relation that holds its sources.
///
/// Made in stages, each a SELECT that adds columns to the one before, so that what many terms share is
/// written once: cleaned numbers, their logarithms, the columns, the pairs of them. The names of
/// what is added are numbered, as names of the user's may be anything.
struct ScoreColumns {
  /// A source's column in the relation, quoted; its levels where it holds texts. NULL is missing.
  struct Source {
    var column: String
    var levels: [String]?
  }

  /// A column that a stage adds; the name is quoted.
  typealias Added = (name: String, expression: String)

  private let design: Design
  private let sources: [Source]
  private let dialect: SQLDialect

  init(_ design: Design, sources: [Source], dialect: SQLDialect) {
    self.design = design
    self.sources = sources
    self.dialect = dialect
  }

  /// The name of a column of the design, pairs last.
  func name(_ column: Int) -> String { dialect.identifier("tacit z\(column)") }
  private func number(_ source: Int) -> String { dialect.identifier("tacit x\(source)") }
  private func log(_ source: Int) -> String { dialect.identifier("tacit l\(source)") }

  /// The stages after which the asked columns, and those that asked pairs multiply, have their names.
  /// O(columns), and the levels that `level`, `pooled` and `missing` name.
  func stages(of asked: some Sequence<Int>) -> [[Added]] {
    let asked = Set(asked)
    let width = design.columns.count
    let pairs = asked.filter { $0 >= width }.sorted()
    let multiplied = pairs.flatMap {
      [design.pairs[$0 - width].first, design.pairs[$0 - width].second]
    }
    let columns = asked.filter { $0 < width }.union(multiplied).sorted()
    func sources(_ isUsed: (DesignColumn) -> Bool) -> [Int] {
      Set(columns.map { design.columns[$0] }.filter(isUsed).map(\.source))
        .filter { self.sources[$0].levels == nil }.sorted()
    }
    let stages: [[Added]] = [
      sources { _ in true }.map { (number($0), cleaned($0)) },
      sources { Self.usesLog($0.basis) }.map { (log($0), Self.signedLog(number($0))) },
      columns.map { (name($0), standardised(design.columns[$0])) },
      pairs.map { index in
        let pair = design.pairs[index - width]
        return (
          name(index),
          Self.scaled("\(name(pair.first)) * \(name(pair.second))", pair.mean, pair.scale)
        )
      },
    ]
    return stages.filter { !$0.isEmpty }
  }

  private static func scaled(_ value: String, _ mean: Double, _ scale: Double) -> String {
    "((\(value) - \(SQLText.literal(mean))) / \(SQLText.literal(scale)))"
  }

  /// A number as bases see it; `SourceCleaning` in SQL. NaN, which some tables hold, is missing.
  private func cleaned(_ source: Int) -> String {
    let cleaning = design.cleaning[source]
    let x = "CAST(\(sources[source].column) AS DOUBLE)"
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
    let x = number(column.source)
    let log = log(column.source)
    let levels = sources[column.source].levels ?? []
    func hinge(_ x: String, _ knot: Double) -> (String, Bool) {
      let knot = SQLText.literal(knot)
      return (
        "CASE WHEN \(x) > \(knot) THEN \(x) - \(knot) WHEN \(x) <= \(knot) THEN 0e0 END", true
      )
    }
    func isOne(of texts: [String]) -> String {
      if texts.isEmpty { return "FALSE" }
      return "CAST(\(sources[column.source].column) AS \(dialect.text)) IN ("
        + texts.map(dialect.literal).joined(separator: ", ") + ")"
    }
    func when(_ condition: String) -> (String, Bool) {
      ("CASE WHEN \(condition) THEN 1e0 ELSE 0e0 END", false)
    }
    switch column.basis {
    case .linear: return (x, true)
    case .log1p: return (log, true)
    case .missing:
      if sources[column.source].levels == nil { return when("\(x) IS NULL") }
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

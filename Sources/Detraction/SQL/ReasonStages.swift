import Learning

/// The reasons of every account in SQL, picked as `ReasonGroups.explain` picks them, row by row.
///
/// The text is a JSON array whose contributions add up to the logit but for rounding: that of the silent
/// population's mean under the name `reference`, then at most four reasons, the largest first, then
/// the rest of the sum as `other`:
///
///     [{"feature":"reference","contribution":-1.5},{"feature":"order","contribution":0.31},
///      {"feature":"other","contribution":-0.02}]
struct ReasonStages {
  /// The design's columns that are asked for.
  let columns: [Int]
  /// Of every group: its sum and its columns' deviations from the reference.
  private(set) var groups: [ScoreColumns.Added] = []
  /// The logit, after `groups`.
  private(set) var logit: String
  /// What is computed after that, before `text`.
  private(set) var stages: [[ScoreColumns.Added]] = []
  private let referenceLogit: Double
  /// JSON up to the contribution, by a group's place in `ReasonGroups.groups`.
  private let openings: [String]
  private let dialect: SQLDialect

  private var least: String { dialect.identifier("tacit least") }
  private var worth: String { dialect.identifier("tacit worth") }
  private var pushing: String { dialect.identifier("tacit pushing") }
  private var protective: String { dialect.identifier("tacit protective") }
  private var chosen: String { dialect.identifier("tacit chosen") }

  /// Throws `learning` where the model's parts do not fit each other.
  init(
    _ model: Model, columns names: ScoreColumns, dialect: SQLDialect
  ) throws(DetractionError) {
    self.dialect = dialect
    let contributions = try translating {
      try Contributions(
        model.design, coefficients: model.coefficients, intercept: model.intercept,
        reference: model.reference.means)
    }
    referenceLogit = contributions.referenceLogit
    let covariance = model.covarianceMatrix()
    let reasons = ReasonGroups(
      schema: model.schema, design: model.design, terms: contributions.terms,
      covariance: covariance
    ).groups
    openings = reasons.map { Self.opening($0.name) }
    // What has no weight is never a reason.
    let weighty = reasons.indices.filter { group in
      reasons[group].columns.contains { model.coefficients[$0] != 0 }
    }
    columns = weighty.flatMap { reasons[$0].columns }
    func sum(_ group: Int) -> String { dialect.identifier("tacit s\(group)") }
    func deviations(_ group: Int) -> String { dialect.identifier("tacit d\(group)") }
    logit = SQLText.sum([SQLText.literal(contributions.referenceLogit)] + weighty.map(sum))
    if weighty.isEmpty { return }
    for group in weighty {
      let own = reasons[group].columns.map { column in
        (
          weight: model.coefficients[column],
          deviation: "(\(names.name(column)) - \(SQLText.literal(model.reference.means[column])))"
        )
      }
      let terms = own.filter { $0.weight != 0 }
        .map { "\(SQLText.literal($0.weight)) * \($0.deviation)" }
      groups.append((sum(group), SQLText.sum(terms)))
      groups.append((deviations(group), dialect.list(own.map(\.deviation))))
    }
    let sizes = weighty.map { "ABS(\(sum($0)))" }
    stages.append([
      (
        least,
        "\(SQLText.literal(ReasonGroups.worthSaying)) * GREATEST(0e0, \(sizes.joined(separator: ", ")))"
      )
    ])
    let candidates = weighty.map { group in
      let own = reasons[group].columns
      let variance = dialect.quadraticForm(
        deviations(group),
        lowerTriangle: own.indices.map { i in own[...i].map { covariance[own[i], $0] } })
      let error = "SQRT(GREATEST(\(variance), 0e0))"
      let reason = dialect.structure([
        "size": "-ABS(\(sum(group)))", "place": "\(group)", "part": sum(group),
      ])
      return "CASE WHEN ABS(\(sum(group))) >= \(least) THEN CASE WHEN ABS(\(sum(group))) > "
        + "\(SQLText.literal(ReasonGroups.z90)) * \(error) THEN \(reason) END END"
    }
    stages.append([
      (worth, dialect.sorted(dialect.filter(dialect.list(candidates), "x IS NOT NULL")))
    ])
    stages.append([
      (pushing, dialect.filter(worth, "x.part > 0e0")),
      (protective, dialect.filter(worth, "x.part < 0e0")),
    ])
    let shown = ReasonGroups.shown
    let against =
      "LEAST(\(dialect.count(protective)), GREATEST(1, \(shown) - \(dialect.count(pushing))))"
    stages.append([
      (
        chosen,
        dialect.sorted(
          "concat(\(dialect.prefix(protective, against)), "
            + "\(dialect.prefix(pushing, "\(shown) - \(against)")))")
      )
    ])
  }

  /// The JSON text, after `stages`.
  func text(logit: String) -> String {
    func constant(_ text: String) -> String { dialect.literal(text) }
    let start = constant(
      "[" + Self.opening("reference") + "\(referenceLogit)}")
    let other = constant("," + Self.opening("other"))
    let rest = "\(logit) - \(SQLText.literal(referenceLogit))"
    func written(_ number: String) -> String { "CAST(\(number) AS \(dialect.text))" }
    if stages.isEmpty { return "concat(\(start), \(other), \(written(rest)), '}]')" }
    let names = dialect.list(openings.map { constant("," + $0) })
    let said = dialect.map(
      chosen, "concat(\(dialect.item(names, from0: "x.place")), \(written("x.part")), '}')")
    let sum = dialect.sum(dialect.map(chosen, "x.part"))
    return
      "concat(\(start), \(dialect.joined(said)), \(other), \(written("\(rest) - \(sum)")), '}]')"
  }

  /// JSON up to the contribution. Text is bytes: only quotes, backslashes and controls are escaped.
  private static func opening(_ name: String) -> String {
    var bytes: [UInt8] = []
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        bytes += Array("\\u\(digits.utf8.count == 1 ? "000" : "00")\(digits)".utf8)
      default: bytes.append(byte)
      }
    }
    return "{\"feature\":\"\(String(decoding: bytes, as: UTF8.self))\",\"contribution\":"
  }
}

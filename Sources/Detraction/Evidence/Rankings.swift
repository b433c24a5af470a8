import Histories
import Learning

/// The ways of ranking silent accounts that a back-test compares: the model first, then plain rules.
struct Rankings {
  /// The rules that these data carry.
  let rules: [Backtest.Rule]
  private let test: Backtest
  private let at: Instant
  private let model: Model
  private let best: SingleRule?
  /// Days since the last event of each kind, then counts of tickets in the last 90 days.
  private let plain: FeatureSchema
  private let kinds: Int

  /// A kind is a ticket where its name says so.
  static func isTicket(_ kind: String) -> Bool {
    let name = kind.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    return ["ticket", "complaint", "support"].contains { name.contains(Array($0.utf8)) }
  }

  init(_ test: Backtest, _ at: Instant, _ model: Model, _ best: SingleRule?)
    throws(DetractionError)
  {
    self.test = test
    self.at = at
    self.model = model
    self.best = best
    let kinds = test.base.kinds.filter { $0.role == .feature && $0.isSeen(asOf: at) }.map(\.name)
    let tickets = kinds.filter(Self.isTicket)
    let features =
      kinds.map { Feature.daysSinceLast(kind: $0) }
      + tickets.map { Feature.count(kind: $0, window: .days(90)) }
    self.kinds = kinds.count
    plain = try translating {
      try FeatureSchema(
        kinds: kinds, features: features, levels: features.map { _ in [] },
        timeZone: model.schema.timeZone, roles: [:])
    }
    var rules: [Backtest.Rule] = [.leastRecent]
    if test.base.hasAccountValues { rules.append(.highestValue) }
    if !tickets.isEmpty { rules.append(.mostTickets) }
    if best != nil { rules.append(.bestFeature) }
    self.rules = rules
  }

  /// The model and the rules.
  var count: Int { 1 + rules.count }

  /// Scores of accounts by each ranking, higher is called first; `body` gets them a chunk at a time.
  func scores(_ accounts: [Int32], _ body: ([[Double]]) -> Void) throws(DetractionError) {
    try test.forEachChunk(accounts, asOf: at, model.schema) { (part, raw) throws(DetractionError) in
      let logits = model.logits(
        try model.expand(raw, threads: test.threads), threads: test.threads)
      let plainly = try test.base.matrix(
        plain, part.map { VectorRow(account: $0, asOf: at) }, threads: test.threads)
      body([logits] + rules.map { scores($0, part, raw, plainly) })
    }
  }

  private func scores(
    _ rule: Backtest.Rule, _ accounts: ArraySlice<Int32>, _ raw: Matrix, _ plainly: Matrix
  ) -> [Double] {
    switch rule {
    case .highestValue:
      return accounts.map { test.base.record(Int($0))?.value ?? -.infinity }
    case .leastRecent:
      return (0..<raw.rows).map { row in
        (0..<kinds).reduce(Double.infinity) { least, kind in
          let days = plainly[row, kind]
          return days.isNaN ? least : min(least, days)
        }
      }
    case .mostTickets:
      return (0..<raw.rows).map { row in
        (kinds..<plain.count).reduce(0) { $0 + plainly[row, $1] }
      }
    case .bestFeature:
      return best.map { raw.column($0.feature).map($0.score) } ?? []
    }
  }
}

import Synchronization

/// One row asked of `HistoryBase.vectors`: an account as of a date.
package struct VectorRow: Sendable, Hashable {
  package var account: Int32
  package var asOf: Instant

  package init(account: Int32, asOf: Instant) {
    self.account = account
    self.asOf = asOf
  }
}

extension HistoryBase {
  /// The vectors of `rows`, row after row with `schema.count` cells each; NaN is missing, and a
  /// categorical cell holds its level's index in `schema.levels`. A row of an account with no
  /// feature event seen as of its date is all NaN. Histories that stand on disk are read once, whatever the
  /// order of the rows. The same bits for any number of threads. O(n log n) in the rows where they
  /// are not in the order of accounts.
  ///
  /// Throws `insufficient` when the schema looks at a kind that is feedback or mechanics here.
  package func vectors(
    _ schema: FeatureSchema, rows: [VectorRow], threads: Int
  ) throws(HistoriesError) -> [Double] {
    var roles: [String: KindRole] = [:]
    for kind in kinds { roles[kind.name] = kind.role }
    try schema.check(roles: roles)
    let width = schema.count
    let stripe = 1024
    let tickets = Tickets((rows.count + stripe - 1) / stripe)
    let places = Self.byAccount(rows)
    return Array(unsafeUninitializedCapacity: rows.count * width) { target, filled in
      filled = rows.count * width
      guard filled > 0 else { return }
      target.initialize(repeating: .nan)
      let base = target.baseAddress!
      withWorkers(threads) { _ in
        let walk = FeatureWalk(schema, kinds: kinds, channels: channels, accounts: accounts)
        while let ticket = tickets.next() {
          for next in (ticket * stripe)..<min(rows.count, (ticket + 1) * stripe) {
            let index = places.map { Int($0[next]) } ?? next
            let (partition, place) = locate(Int(rows[index].account))
            partitions[partition].withEvents(place) { events in
              _ = walk.fill(
                events, accountRow: partitions[partition].accountRows[place],
                asOf: rows[index].asOf, into: base + index * width)
            }
          }
        }
      }
    }
  }

  /// The rows' places in the order of their accounts; nil where they stand in it.
  private static func byAccount(_ rows: [VectorRow]) -> [Int32]? {
    let isInOrder = zip(rows, rows.dropFirst()).allSatisfy { $0.account <= $1.account }
    if isInOrder { return nil }
    return rows.indices.map(Int32.init).sorted {
      (rows[Int($0)].account, $0) < (rows[Int($1)].account, $1)
    }
  }
}

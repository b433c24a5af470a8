import Histories

/// Cases that wait to be claimed, in the order in which they are claimed, from a place on: read by
/// keyset in pages that grow fourfold, without locks. O(cases walked) in all.
final class WaitingLine {
  /// Where a case stands in the order.
  struct Place {
    var due: Int64
    var logit: Double
    var account: String

    /// Before every case.
    static let first = Place(due: .min, logit: .greatestFiniteMagnitude, account: "")

    init(due: Int64, logit: Double, account: String) {
      self.due = due
      self.logit = logit
      self.account = account
    }

    /// Of a whole case's row.
    init(_ row: SQLRow) throws(OutreachError) {
      self.init(
        due: try row.integer(7), logit: try row.optionalReal(15) ?? 1e300,
        account: try row.text(1))
    }
  }

  private let db: any StoreConnection
  private let queue: String?
  private let now: Instant
  private var place: Place
  private var page: ArraySlice<SQLRow> = []
  private var size = 64
  private var isOver = false
  private static let largest = 4096
  /// The state of nearly all who wait, which need not be read.
  private static let untouched = canonicalJSON(CaseState())

  init(_ db: any StoreConnection, queue: String?, at now: Instant, after place: Place) {
    self.db = db
    self.queue = queue
    self.now = now
    self.place = place
  }

  /// The next case, of which only the number, account, queue, channel, people and state are there.
  func next() throws -> Case? {
    if page.isEmpty {
      if isOver { return nil }
      page = try read()[...]
    }
    guard let row = page.popFirst() else { return nil }
    place = Place(
      due: try row.integer(1), logit: try row.real(2), account: try row.text(3))
    let due = Instant(microseconds: place.due)
    var waiting = Case(
      form: .predicted, account: place.account, queue: try row.text(7), channel: try row.text(4),
      asOf: due, openedAt: due, due: due)
    waiting.number = try row.integer(0)
    if let text = try row.optionalText(5) { waiting.person = try decoded(text) }
    let state = try row.text(6)
    if state != Self.untouched { waiting.state = try decoded(state) }
    return waiting
  }

  private func read() throws -> [SQLRow] {
    var values = [SQLValue(now.microseconds)]
    if let queue { values.append(try SQLValue(queue)) }
    values += [
      SQLValue(place.due), SQLValue(place.due), SQLValue(place.logit), SQLValue(place.logit),
      try SQLValue(place.account), SQLValue(size),
    ]
    let rows = try db.rows(
      queue == nil ? StoreSQL.claimableAfter : StoreSQL.claimableAfterInQueue, values)
    isOver = rows.count < size
    size = min(size * 4, Self.largest)
    return rows
  }
}

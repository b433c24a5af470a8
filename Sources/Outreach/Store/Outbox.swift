package import Histories

/// The posts that wait to be sent: written with the actions that they tell of, so that none is lost.
extension CaseStore {
  /// A post that was taken to be sent.
  struct Post {
    var action: Action
    var of: Case
    var url: String
    /// How often it was sent in vain.
    var attempts: Int
    /// Whether it must not be told of: the customer wants no contact or is erased.
    var isWithheld: Bool
  }

  /// A post that was given up.
  package struct DeadPost: Sendable, Equatable {
    package var caseNumber: Int64
    package var number: Int
    package var url: String
    package var attempts: Int
    package var problem: String?
  }

  /// Where posts wait to go that may go now, and how many cases they tell of.
  package func waitingPosts(
    at now: Instant
  ) throws(OutreachError) -> [(url: String, cases: Int)] {
    try reading { db in
      try db.rows(StoreSQL.waitingURLs, [SQLValue(now.microseconds)]).map {
        (url: try $0.text(0), cases: try $0.int(1))
      }
    }
  }

  package func deadPosts() throws(OutreachError) -> [DeadPost] {
    try reading { db in
      try db.rows(StoreSQL.deadPosts).map { row in
        DeadPost(
          caseNumber: try row.integer(0), number: try row.int(1), url: try row.text(2),
          attempts: try row.int(3), problem: try row.optionalText(4))
      }
    }
  }

  /// How many posts are taken from the dead, to be sent anew.
  package func reviveDeadPosts(at now: Instant) throws(OutreachError) -> Int {
    try writing { try $0.execute(StoreSQL.revive, [SQLValue(now.microseconds)]) }
  }

  /// Takes the next post to a place, by case and then in the order of what happened to it. Until `until`
  /// nobody else takes it; who dies with it in hand leaves it to be sent again. Nil where none may go.
  func takePost(to url: String, at now: Instant, until: Instant) throws(OutreachError) -> Post? {
    try writing { (db) -> Post? in
      while true {
        guard
          let row = try db.row(
            StoreSQL.waitingPost, [SQLValue(now.microseconds), try SQLValue(url)])
        else { return nil }
        let name = [row.values[0], row.values[1], try SQLValue(url)]
        let taken = try db.execute(
          StoreSQL.takePost, [SQLValue(until.microseconds)] + name + [row.values[3]])
        // Another process was quicker.
        guard taken == 1 else { continue }
        guard let action = try db.row(StoreSQL.actionNumbered, Array(name.prefix(2))),
          let found = try db.row(StoreSQL.caseNumbered, [row.values[0]])
        else { throw SQLRow.damaged }
        let one = try Case(found)
        let optedOut = try Self.isHeld(one.account, [.optOut], at: now, db)
        return Post(
          action: try Action(action), of: one, url: url, attempts: try row.int(2),
          isWithheld: optedOut || one.state.outcome == .erased)
      }
    }
  }

  func markDelivered(_ post: Post, at now: Instant) throws(OutreachError) {
    _ = try writing { try $0.execute(StoreSQL.delivered, [SQLValue(now.microseconds)] + post.name) }
  }

  /// To be sent again at `next`; never where that is nil.
  func markFailed(
    _ post: Post, _ problem: String, next: Instant?, at now: Instant
  ) throws(OutreachError) {
    let dead = next == nil ? now : nil
    _ = try writing { db in
      try db.execute(
        StoreSQL.notDelivered,
        [
          SQLValue((next ?? now).microseconds), SQLValue(dead?.microseconds),
          try SQLValue(problem),
        ] + post.name)
    }
  }

  /// Gives up every post to a place; how many.
  func bury(_ url: String, _ problem: String, at now: Instant) throws(OutreachError) -> Int {
    try writing {
      try $0.execute(
        StoreSQL.buryURL,
        [SQLValue(now.microseconds), try SQLValue(problem), try SQLValue(url)])
    }
  }

  /// Whether posts to a place were given up for this reason.
  func isBuried(_ url: String, _ problem: String) throws(OutreachError) -> Bool {
    try reading {
      try $0.row(StoreSQL.buriedAs, [try SQLValue(url), try SQLValue(problem)])?.integer(0) != 0
    }
  }
}

extension CaseStore.Post {
  /// As the statements name it: case, number, place.
  fileprivate var name: [SQLValue] {
    [SQLValue(action.caseNumber), SQLValue(action.number), .text(url)]
  }
}

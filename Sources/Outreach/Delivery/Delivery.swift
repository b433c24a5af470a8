package import Histories

/// Sends the outbox: every post at least once, to each place one after another, those of a case in the
/// order of what happened to it. A receiver knows a repetition by the message's id.
///
/// Only 2xx is success. A place that is down (no answer, 5xx, 429) is left alone until the next
/// pass; a post that it refuses keeps only the later ones of its case waiting. What failed is tried again
/// after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, and then given up. 410 gives up the
/// place.
package struct Delivery {
  package var store: CaseStore
  /// The places of the project file; posts to others are given up.
  package var urls: [String]
  package var secrets: [WebhookSecret]
  /// Accounts that must not be contacted; of them only the end of a case is told.
  package var refused: (String) -> Bool
  package var clock: () -> Instant
  package var send: (WebhookMessage) -> WebhookAnswer

  package init(
    store: CaseStore, urls: [String], secrets: [WebhookSecret],
    refused: @escaping (String) -> Bool = { _ in false }, clock: @escaping () -> Instant,
    send: @escaping (WebhookMessage) -> WebhookAnswer
  ) {
    self.store = store
    self.urls = urls
    self.secrets = secrets
    self.refused = refused
    self.clock = clock
    self.send = send
  }

  /// Seconds until the next attempt, after the first, second and so on.
  package static let pauses = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
  /// For how long a post that is being sent is nobody else's, in seconds.
  static let lease = 60

  static let gone = "HTTP 410: the receiver wants no more"
  static let unlisted = "not in [webhooks] urls any more"
  static let withheld = "withheld: the customer is not to be contacted, or is erased"

  package struct Report: Sendable, Equatable {
    package var delivered = 0
    /// Failed and to be tried again.
    package var failed = 0
    /// Given up now.
    package var dead = 0
    package var withheld = 0
    /// Places that failed, each with the last reason.
    package var problems: [String: String] = [:]

    package init() {}
  }

  /// Sends at most `limit` posts.
  package func run(limit: Int = .max) throws(OutreachError) -> Report {
    var report = Report()
    var left = limit
    for (url, _) in try store.waitingPosts(at: clock()) {
      guard urls.contains(where: { $0.utf8.elementsEqual(url.utf8) }) else {
        report.dead += try store.bury(url, Self.unlisted, at: clock())
        report.problems[url] = Self.unlisted
        continue
      }
      if try store.isBuried(url, Self.gone) {
        report.dead += try store.bury(url, Self.gone, at: clock())
        report.problems[url] = Self.gone
        continue
      }
      while left > 0 {
        let now = clock()
        guard let post = try store.takePost(to: url, at: now, until: now.adding(Self.lease)) else {
          break
        }
        left -= 1
        if try !deliver(post, &report) { break }
      }
    }
    return report
  }

  /// Whether the place can be sent more.
  private func deliver(
    _ post: CaseStore.Post, _ report: inout Report
  ) throws(OutreachError) -> Bool {
    if post.action.kind != .closed, post.isWithheld || refused(post.of.account) {
      try store.markFailed(post, Self.withheld, next: nil, at: clock())
      report.withheld += 1
      return true
    }
    let message = WebhookMessage(
      post.action, of: post.of, to: post.url, at: clock(), secrets: secrets)
    let answer = send(message)
    let now = clock()
    let problem: String
    switch answer {
    case .status(200..<300):
      try store.markDelivered(post, at: now)
      report.delivered += 1
      return true
    case .status(410):
      report.dead += try store.bury(post.url, Self.gone, at: now)
      report.problems[post.url] = Self.gone
      return false
    case .status(let code): problem = "HTTP \(code)"
    case .none(let reason): problem = reason
    }
    let next =
      Self.pauses.indices.contains(post.attempts)
      ? now.adding(Self.pauses[post.attempts]) : nil
    try store.markFailed(post, problem, next: next, at: now)
    if next == nil { report.dead += 1 } else { report.failed += 1 }
    report.problems[post.url] = problem
    if case .status(let code) = answer { return code < 500 && code != 429 }
    return false
  }
}

extension Instant {
  fileprivate func adding(_ seconds: Int) -> Instant {
    Instant(microseconds: microseconds + Int64(seconds) * 1_000_000)
  }
}

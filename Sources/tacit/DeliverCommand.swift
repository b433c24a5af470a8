import ArgumentParser
import Foundation
import Histories
import Outreach

/// `tacit deliver`: sends the outbox to the project's webhooks.
struct DeliverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deliver",
    abstract: "Sends what happened to cases to the webhooks of the project file.",
    discussion: """
      [webhooks] names urls and hosts; the secret stands in the environment variable that secret_env \
      names (TACIT_WEBHOOK_SECRET). Posts are signed by Standard Webhooks and sent at least once, in \
      order: tell repetitions by webhook-id. What fails is tried again after 5 s, 5 min, 30 min, 2, 5, \
      10, 14, 20 and 24 h by the next `tacit deliver`, then given up (--dead lists those, \
      --retry-dead sends them again). Run it every minute. Exit status 69: some place did not take its \
      posts.
      """)

  @Option(help: "The project file.")
  var project = "tacit.toml"
  @Option(help: "The instant of sending (default: now).")
  var now: String?
  @Option(help: "At most so many posts.")
  var limit: Int?
  @Flag(help: "Take back what was given up, and send it again.")
  var retryDead = false
  @Flag(help: "List what was given up; send nothing.")
  var dead = false
  @Flag(help: "Say how much would be sent where; send nothing.")
  var dryRun = false
  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is \(limit), expected 1 or more") }
  }

  func run() throws {
    let exchange = try Exchange(project)
    let store = try CaseStore(existing: exchange.outreach.store)
    let fixed = try now.map { try exchange.now($0) }
    let start = fixed ?? .clock()
    if dead { return try listDead(store) }
    if dryRun { return try listWaiting(store, start) }
    if exchange.outreach.webhooks.isEmpty {
      return printToStandardError(
        "nothing to deliver: \(project) names no [webhooks] urls")
    }
    let secrets = try WebhookSecret.read(
      exchange.outreach.webhookSecret, ProcessInfo.processInfo.environment)
    if retryDead { _ = try store.reviveDeadPosts(at: start) }
    // Read once a pass, and only where something waits.
    let accounts =
      try store.waitingPosts(at: start).isEmpty ? [] : store.firstCases().map(\.account)
    let book = try AccountBook(exchange.histories, of: accounts)
    let sender = HTTPSender()
    let report = try Delivery(
      store: store, urls: exchange.outreach.webhooks, secrets: secrets,
      refused: book.doNotContact, clock: { fixed ?? .clock() }, send: sender.send
    ).run(limit: limit ?? .max)
    if json {
      try printJSON(
        Sent(
          delivered: report.delivered, failed: report.failed, dead: report.dead,
          withheld: report.withheld,
          problems: report.problems.sorted { $0.key < $1.key }.map {
            .init(url: place($0.key), problem: $0.value)
          }))
    } else {
      print(
        "\(report.delivered) delivered, \(report.failed) to be tried again, \(report.dead) given "
          + "up, \(report.withheld) withheld")
      for (url, problem) in report.problems.sorted(by: { $0.key < $1.key }) {
        printToStandardError("\(place(url)): \(problem)")
      }
    }
    if !report.problems.isEmpty { throw ExitCode(69) }
  }

  private struct Sent: Encodable {
    struct Problem: Encodable {
      var url: String
      var problem: String
    }

    var delivered: Int
    var failed: Int
    var dead: Int
    var withheld: Int
    var problems: [Problem]
  }

  private struct Dead: Encodable {
    var id: String
    var url: String
    var attempts: Int
    var problem: String?
  }

  private func listDead(_ store: CaseStore) throws {
    let posts = try store.deadPosts().map {
      Dead(
        id: "msg_\($0.caseNumber)_\($0.number)", url: place($0.url), attempts: $0.attempts,
        problem: $0.problem)
    }
    if json { return try printJSON(posts) }
    for post in posts {
      print("\(post.id)  \(post.url)  \(post.attempts) attempts  \(post.problem ?? "")")
    }
  }

  private struct Waiting: Encodable {
    var url: String
    var cases: Int
  }

  private func listWaiting(_ store: CaseStore, _ now: Instant) throws {
    let waiting = try store.waitingPosts(at: now).map {
      Waiting(url: place($0.url), cases: $0.cases)
    }
    if json { return try printJSON(waiting) }
    if waiting.isEmpty { print("nothing waits to be sent") }
    for one in waiting { print("\(one.url): posts about \(one.cases) cases") }
  }

  /// Where a URL leads, without what follows the path: a query may hold a key.
  private func place(_ url: String) -> String {
    String(decoding: url.utf8.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
  }
}

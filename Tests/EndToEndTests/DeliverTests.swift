import Foundation
import TestSupport
import Testing

/// `tacit deliver` to a receiver on this machine, through everything that a receiver can do.
@Suite struct DeliverTests {
  private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

  private struct Sent: Encodable {
    var secret: String
    var headers: [[String: String]]
    var bodies: [String]
  }

  private func night(_ urls: [String]) throws -> URL? {
    let names = urls.map { "\"\($0)\"" }.joined(separator: ", ")
    guard let folder = try HostileSample.copy("[webhooks]\nurls = [\(names)]\n") else { return nil }
    // Few cases, each post of which is a transaction that waits for the disk.
    let file = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: file, encoding: .utf8)
    try Data(
      text.replacing("per_business_day = 25", with: "per_business_day = 2")
        .replacing("per_business_day = 5", with: "per_business_day = 1").utf8
    ).write(to: file)
    try HostileSample.run(["nightly", "--as-of", HostileSample.asOf], in: folder)
    return folder
  }

  @Test func postsArriveOnceTriedAgainGivenUpAndSentAnew() throws {
    guard let receiver = try Receiver(),
      let folder = try night(["/ok", "/closed", "/move"].map(receiver.url))
    else { return }
    let key = ["TACIT_WEBHOOK_SECRET": Self.secret]
    func deliver(_ words: String..., status: Int32 = 69) throws -> [String: Any] {
      try HostileSample.object(
        try HostileSample.run(["deliver", "--json"] + words, in: folder, status: status, key).output
      )
    }
    func counts(_ report: [String: Any]) -> [Int?] {
      ["delivered", "failed", "dead", "withheld"].map { report[$0] as? Int }
    }
    // Without the secret, or with one that is none: nothing leaves, and nothing of it is said.
    for secret in ["", "whsec_c2hvcnQ="] {
      let refused = try HostileSample.run(
        ["deliver"], in: folder, status: 64, ["TACIT_WEBHOOK_SECRET": secret])
      #expect(refused.errors.contains("TACIT_WEBHOOK_SECRET") && !refused.errors.contains("c2hv"))
    }
    #expect(try receiver.posts().isEmpty)

    let first = try deliver("--now", "2026-03-02T09:00")
    #expect(counts(first) == [4, 8, 0, 0])
    let problems = try #require(first["problems"] as? [[String: String]])
    #expect(Set(problems.compactMap { $0["problem"] }) == ["HTTP 400", "HTTP 302"])
    // Too early for another attempt; then one after each pause, and given up after the last.
    #expect(counts(try deliver("--now", "2026-03-02T09:00:04", status: 0)) == [0, 0, 0, 0])
    let formatter = ISO8601DateFormatter()
    var at = try #require(formatter.date(from: "2026-03-02T08:00:00Z"))
    for (attempt, pause) in [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
      .enumerated()
    {
      at += TimeInterval(pause)
      let report = try deliver("--now", formatter.string(from: at))
      #expect(counts(report) == (attempt < 8 ? [0, 8, 0, 0] : [0, 0, 8, 0]), "\(attempt)")
    }
    let listed = try HostileSample.run(["deliver", "--dead", "--json"], in: folder)
    let dead: [[String: Any]] = try HostileSample.object(listed.output)
    #expect(dead.count == 8 && dead.allSatisfy { $0["attempts"] as? Int == 10 })

    // Mended: what was given up goes by the real clock, by which the receiver's library judges it.
    try receiver.open()
    #expect(counts(try deliver("--retry-dead")) == [4, 4, 0, 0])
    #expect(counts(try deliver(status: 0)) == [0, 0, 0, 0])
    let posts = try receiver.posts()
    #expect(!posts.contains { $0.path == "/stolen" }, "a redirect was followed")
    #expect(posts.count { $0.path == "/ok" } == 4)
    #expect(posts.count { $0.path == "/closed" } == 4 * 11)
    #expect(Set(posts.compactMap { $0.headers["webhook-id"] }).count == 4)
    let last = posts.filter { $0.path == "/closed" }.suffix(4)
    for post in last {
      #expect(!post.body.contains("example.com") && !post.body.contains("long long"))
      let told: [String: Any] = try HostileSample.object(post.body)
      #expect(told["type"] as? String == "case.opened")
    }
    let said = try Python.run(
      """
      import json, sys
      from standardwebhooks import Webhook, WebhookVerificationError
      p = json.load(open(sys.argv[1]))
      good = forged = 0
      for h, b in zip(p["headers"], p["bodies"]):
          Webhook(p["secret"]).verify(b, h)
          good += 1
          for headers, body in [(h, b.replace("case.opened", "case.closed")),
                  ({**h, "webhook-id": "msg_0_0"}, b), ({**h, "webhook-timestamp": str(int(h["webhook-timestamp"]) + 1)}, b)]:
              try: Webhook(p["secret"]).verify(body, headers)
              except WebhookVerificationError: forged += 1
      print(json.dumps([good, forged]))
      """,
      on: Sent(secret: Self.secret, headers: last.map(\.headers), bodies: last.map(\.body)))
    if let said { #expect(try JSONDecoder().decode([Int].self, from: said) == [4, 12]) }
  }

  @Test func aHostThatIsNotListedIsRefused() throws {
    let evil = "https://hooks.evil.example/x"
    guard let folder = try HostileSample.copy("[webhooks]\nurls = [\"\(evil)\"]\n") else { return }
    for words in [["deliver"], ["nightly", "--as-of", HostileSample.asOf]] {
      let refused = try HostileSample.run(words, in: folder, status: 78)
      #expect(refused.errors.contains("hooks.evil.example, which `hosts` does not list"))
    }
  }
}

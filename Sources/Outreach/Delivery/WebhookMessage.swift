import Crypto
package import Foundation
import Histories

/// The secret by which posts are signed: `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks).
/// It prints nothing of itself.
package struct WebhookSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private let key: SymmetricKey

  package var description: String { "a webhook secret" }
  package var debugDescription: String { description }

  /// Nil where the text is no such secret.
  package init?(_ text: String) {
    let prefix = "whsec_"
    guard text.utf8.starts(with: prefix.utf8),
      let bytes = Data(base64Encoded: String(text.dropFirst(prefix.count))),
      (24...64).contains(bytes.count)
    else { return nil }
    key = SymmetricKey(data: bytes)
  }

  /// The secrets of an environment variable: one, or while it is being changed the new and the old with
  /// a space between. Throws `refused` without saying what stood there.
  package static func read(
    _ name: String, _ environment: [String: String]
  ) throws(OutreachError) -> [WebhookSecret] {
    let texts = (environment[name] ?? "").split(separator: " ")
    let secrets = texts.compactMap { WebhookSecret(String($0)) }
    guard !secrets.isEmpty, secrets.count == texts.count else {
      throw .refused(
        "the environment variable \(name) holds no webhook secret: expected whsec_ and 24 to 64 "
          + "bytes in base64, such as \"whsec_$(openssl rand -base64 32)\"")
    }
    return secrets
  }

  /// `v1,` and HMAC-SHA256 of id, timestamp and body with points between, in base64.
  func signature(id: String, timestamp: Int64, body: Data) -> String {
    let signed = Data("\(id).\(timestamp).".utf8) + body
    let code = HMAC<SHA256>.authenticationCode(for: signed, using: key)
    return "v1," + Data(code).base64EncodedString()
  }
}

/// One post as it goes out.
package struct WebhookMessage: Sendable, Equatable {
  package var url: String
  package var headers: [String: String]
  package var body: Data

  /// What an action did to a case: ids, times and words of ours; nothing of the person, no note, no
  /// agent's name. The id stays the same however often it is sent.
  init(_ action: Action, of one: Case, to url: String, at now: Instant, secrets: [WebhookSecret]) {
    let told = Told(
      type: "case.\(action.kind.rawValue)", timestamp: action.at,
      data: Told.Data(
        case: one.number, number: action.number, accountID: one.account,
        queue: action.detail["queue"] ?? one.queue, form: one.form, openedAt: one.openedAt,
        due: one.due, outcome: action.detail["outcome"], verdict: action.detail["verdict"],
        mode: action.detail["mode"], level: action.detail["level"]))
    let body = Foundation.Data(canonicalJSON(told).utf8)
    let id = "msg_\(one.number)_\(action.number)"
    let seconds = now.microseconds.flooredDivision(by: 1_000_000)
    self.url = url
    self.body = body
    headers = [
      "content-type": "application/json", "webhook-id": id, "webhook-timestamp": "\(seconds)",
      "webhook-signature": secrets.map {
        $0.signature(id: id, timestamp: seconds, body: body)
      }.joined(separator: " "),
    ]
  }

  private struct Told: Encodable {
    struct Data: Encodable {
      var `case`: Int64
      var number: Int
      var accountID: String
      var queue: String
      var form: Case.Form
      var openedAt: Instant
      var due: Instant
      var outcome: String?
      var verdict: String?
      var mode: String?
      var level: String?

      private enum CodingKeys: String, CodingKey {
        case `case`, number
        case accountID = "account_id"
        case queue, form
        case openedAt = "opened_at"
        case due, outcome, verdict, mode, level
      }
    }

    var type: String
    var timestamp: Instant
    var data: Data
  }
}

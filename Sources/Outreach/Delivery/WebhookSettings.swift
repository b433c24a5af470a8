import Foundation
import Histories

/// `[webhooks]`: where the opening, working and closing of cases is told.
package struct WebhookSettings: Sendable, Equatable {
  package var urls: [String] = []
  /// The environment variable that holds the secret; the secret itself stands in no file of ours.
  package var secret = Self.usualSecret

  package static let usualSecret = "TACIT_WEBHOOK_SECRET"

  package init() {}

  /// Reports a URL that is not https, whose host is not in `hosts`, or that holds a password. A place
  /// on this machine may be http and need not be listed.
  init(_ table: ProjectTable?) {
    guard let table else { return }
    table.allow(["urls", "secret_env", "hosts"])
    let hosts = (table.strings("hosts") ?? []).map { $0.lowercased() }
    for url in table.strings("urls") ?? [] {
      if let problem = Self.problem(of: url, hosts: hosts) {
        table.report("urls", problem)
      } else if urls.contains(where: { $0.utf8.elementsEqual(url.utf8) }) {
        table.report("urls", "`urls` names one place twice")
      } else {
        urls.append(url)
      }
    }
    if let name = table.string("secret_env") {
      let fits = name.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F
      }
      if name.isEmpty || !fits {
        table.report(
          "secret_env",
          "`secret_env` is the name of an environment variable, such as \(Self.usualSecret)")
      } else {
        secret = name
      }
    }
  }

  private static func problem(of url: String, hosts: [String]) -> String? {
    guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
      let host = parts.host?.lowercased(), !host.isEmpty, !url.utf8.contains(where: { $0 <= 0x20 })
    else { return "`urls` holds what is no URL: write https://host/path" }
    if parts.user != nil || parts.password != nil {
      return "a URL in `urls` holds a user or a password: take it out, posts are signed"
    }
    let isHere = host == "localhost" || host == "127.0.0.1"
    guard scheme == "https" || (scheme == "http" && isHere) else {
      return "a URL in `urls` is not https: only localhost and 127.0.0.1 may be http"
    }
    return isHere || hosts.contains(host)
      ? nil
      : "`urls` leads to the host \(host), which `hosts` does not list: add hosts = [\"\(host)\"]"
  }
}

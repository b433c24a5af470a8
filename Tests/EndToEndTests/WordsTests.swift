import Foundation
import TestSupport
import Testing

/// What customers said, from the events to whoever works the case, and nowhere else.
@Suite struct WordsTests {
  private static let asOf = "2026-03-02"
  private static let words = "zq-words: late again, \u{FC}ber, \"third\" time"

  /// The sample with a column of texts: every customer said the same of the last order.
  private func project() throws -> URL {
    let folder = try sampleCopy()
    let events = folder.appendingPathComponent("events.csv")
    var lines = try String(contentsOf: events, encoding: .utf8).split(separator: "\n")[...]
    let header = lines.removeFirst()
    let quoted = Self.words.replacing("\"", with: "\"\"").replacing(" time", with: "\ntime")
    var rows = "\(header),text\n"
    for line in lines { rows += "\(line),\(line.contains(",order,") ? "\"\(quoted)\"" : "")\n" }
    try Data(rows.utf8).write(to: events)
    let file = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let place = try #require(text.firstRange(of: "kind = \"kind\""))
    try Data(
      text.replacingCharacters(in: place, with: "text = \"text\"\nkind = \"kind\"").utf8
    ).write(to: file)
    return folder
  }

  @Test func wordsReachTheCaseAndNoLog() throws {
    let folder = try project()
    let train = try Program.run("train", "--as-of", Self.asOf, in: folder)
    #expect(train.status == 0, "\(train.errors)")
    let night = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    #expect(night.status == 0, "\(night.errors)")
    #expect(!(night.output + night.errors).contains("zq-words"))
    let list = try Program.run("queue", "list", "--json", in: folder)
    let cases = try #require(
      try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
    let first = try #require(cases.first { ($0["said"] as? [Any])?.isEmpty == false })
    let account = try #require(first["account_id"] as? String)
    let said = try #require(first["said"] as? [[String: Any]])
    #expect((1...5).contains(said.count) && said.allSatisfy { $0["kind"] as? String == "order" })
    #expect((said.last?["text"] as? String)?.contains("\"third\"\ntime") == true)
    let show = try Program.run("queue", "show", account, in: folder)
    #expect(show.output.contains("zq-words: late again, \u{FC}ber,"), "\(show.output)")
    // Found by whoever holds the case, and by nobody else.
    let others = try Program.run(
      "queue", "search", "--text", "zq-words", "--by", "bob", in: folder)
    #expect(!others.output.contains(account))
    let claim = try Program.run(
      "queue", "claim", account, "--by", "ann", "--now", "2026-03-02T09:00", in: folder)
    #expect(claim.status == 0, "\(claim.errors)")
    let own = try Program.run("queue", "search", "--text", "zq-words", "--by", "ann", in: folder)
    #expect(own.output.contains(account), "\(own.output)\(own.errors)")
    let log = try Program.run("queue", "log", account, in: folder)
    #expect(!log.output.contains("zq-words"))
    // The night's files know nothing of it, packed histories apart.
    let runs = folder.appendingPathComponent("runs")
    for name in try FileManager.default.subpathsOfDirectory(atPath: runs.path) {
      let bytes = FileManager.default.contents(atPath: runs.appendingPathComponent(name).path)
      #expect(bytes?.firstRange(of: Data("zq-words".utf8)) == nil, "\(name)")
    }
    // Erased, nothing that Tacit wrote says it.
    let erase = try Program.run("erase", account, "--yes", "--by", "dpo", in: folder)
    #expect(erase.status == 0, "\(erase.errors)")
    let packed = folder.appendingPathComponent("packed").path
    #expect(try FileManager.default.contentsOfDirectory(atPath: packed).isEmpty)
    let left = try Program.run("queue", "search", "--account", account, "--by", "ann", in: folder)
    #expect(!left.output.contains("zq-words"))
  }
}

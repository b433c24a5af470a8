import Foundation
import TestSupport
import Testing

/// The way holds on logs nobody here made.
@Suite struct RealDataTests {
  /// A committed project file beside a link to the data it is for.
  private func project(_ name: String, data: String, as file: String) throws -> URL? {
    guard let source = Shared.path(data) else { return nil }
    let folder = try temporaryFolder()
    try FileManager.default.copyItem(
      at: Shared.root.appendingPathComponent("datasets/\(name)/tacit.toml"),
      to: folder.appendingPathComponent("tacit.toml"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.appendingPathComponent(file).path, withDestinationPath: source)
    return folder
  }

  @Test func bitcoinOTC() throws {
    guard
      let folder = try project(
        "bitcoin-otc", data: "data/bitcoin_otc/soc-sign-bitcoinotc.csv",
        as: "soc-sign-bitcoinotc.csv")
    else { return }
    // Those who rate are nothing like those who do not: the grade says so, and nothing becomes champion.
    let train = try Program.run("train", "--as-of", "2013-01-01", "--json", in: folder)
    #expect(train.status == 0, "\(train.errors)")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(train.output.utf8)) as? [String: Any])
    #expect(report["grade"] as? String == "D" && report["champion"] as? Bool == false)
    let metrics = try #require(report["metrics"] as? [String: Any])
    let overlap = try #require(metrics["overlap"] as? [String: Any])
    let domain = try #require((overlap["domain_auc"] as? [String: Any])?["value"] as? Double)
    #expect(domain > 0.95)
    for command in [["score", "--out", "scores.csv"], ["nightly"]] {
      let result = try Program.run(command + ["--as-of", "2013-01-01"], in: folder)
      #expect(result.status == 3 && result.errors.contains("champion"), "\(result.errors)")
    }
    // Looking all the same is possible, by name.
    let version = try #require(report["version"] as? String)
    let result = try Program.run(
      "score", "--as-of", "2013-01-01", "--model", version, "--out", "scores.csv", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let scores = try String(
      contentsOf: folder.appendingPathComponent("scores.csv"), encoding: .utf8)
    #expect(scores.utf8.count { $0 == UInt8(ascii: "\n") } > 100)
  }

  @Test func cdnow() throws {
    guard let folder = try project("cdnow", data: "data/cdnow/cdnow.csv", as: "cdnow.csv") else {
      return
    }
    let result = try Program.run(
      "features", "--as-of", "1998-07-01", "--out", "features.csv", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let text = try String(
      contentsOf: folder.appendingPathComponent("features.csv"), encoding: .utf8)
    var lines = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let header = lines.removeFirst()
    #expect(lines.count == 23_570)
    let count = try #require(header.firstIndex { $0.hasSuffix(".count.lifetime") })
    let sum = try #require(header.firstIndex { $0.hasSuffix(".sum.lifetime") })
    #expect(lines.reduce(0) { $0 + (Int($1[count]) ?? 0) } == 69_659)
    let total = lines.reduce(0.0) { $0 + (Double($1[sum]) ?? .nan) }
    #expect(abs(total - 2_500_315.63) < 1e-6)
  }
}

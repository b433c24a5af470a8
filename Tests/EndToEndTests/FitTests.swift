import Foundation
import TestSupport
import Testing

/// `tacit fit` as data staff use it: options, evidence, refusals.
@Suite struct FitTests {
  private struct Report: Decodable {
    struct HeldOut: Decodable { var auc, logLoss, nullLogLoss: Double }
    struct Coefficient: Decodable {
      var feature: String
      var basis: String?
      var coefficient: Double
      var standardError, low, high: Double?
      var share: Double
    }
    struct Pair: Decodable { var first, second: String }
    var columns: Int
    var lambda, l1Ratio, l1, l2, objective, maxGradient: Double
    var heldOut: HeldOut?
    var coefficients: [Coefficient]
    var pairs: [Pair]
    var warnings: [String]
  }

  private func fit(_ arguments: String..., in folder: URL) throws -> Report {
    let result = try Program.run(["fit"] + arguments + ["--model", "m.json", "--json"], in: folder)
    try #require(result.status == 0, "\(arguments): \(result.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Report.self, from: Data(result.output.utf8))
  }

  /// `threshold` acts by a step at 0, `slope` straight on, `late` never below; `noise` not at all.
  private func table(rows: Int = 4_000) throws -> URL {
    let folder = try temporaryFolder()
    var draw = SplitMix64(20_261_122)
    var text = "id,threshold,slope,noise,plan,w,y,leak\n"
    for row in 0..<rows {
      let (a, b, c) = (draw.uniform() * 4 - 2, draw.uniform() * 4 - 2, draw.uniform())
      let plan = ["basic", "plus", "pro"][Int(draw.uniform() * 3)]
      let eta = (a > 0 ? 1.5 : -0.5) + 0.8 * b + (plan == "pro" ? 0.7 : 0) - 0.6
      let y = draw.uniform() < 1 / (1 + exp(-eta)) ? 1 : 0
      text += "c\(row),\(a),\(b),\(c),\(plan),\(row % 3),\(y),\(Double(y) + 0.01 * c)\n"
    }
    try Data(text.utf8).write(to: folder.appendingPathComponent("d.csv"))
    return folder
  }

  @Test func shapesFindTheStepAndSayIt() throws {
    let folder = try table()
    let plain = try fit(
      "d.csv", "--target", "y", "--drop", "leak,w", "--shapes", "none", in: folder)
    let shaped = try fit("d.csv", "--target", "y", "--drop", "leak,w", in: folder)
    let (a, b) = (try #require(plain.heldOut), try #require(shaped.heldOut))
    #expect(b.auc > a.auc + 0.005 && b.logLoss < a.logLoss - 0.005)
    #expect(shaped.coefficients.contains { $0.feature == "threshold" && $0.basis != "as it is" })
    #expect(!shaped.coefficients.contains { $0.feature == "id" })
    #expect(abs(plain.coefficients.reduce(0) { $0 + $1.share } - 1) < 1e-9)
    let slope = try #require(plain.coefficients.first { $0.feature == "slope" })
    let (low, high) = (try #require(slope.low), try #require(slope.high))
    #expect(low < 0.9 && high > 0.7 && low > 0.5 && high < 1.1)
  }

  @Test func aColumnThatTellsTheTargetIsNamed() throws {
    let folder = try table(rows: 600)
    let report = try fit("d.csv", "--target", "y", "--drop", "w", "--l2", "0.1", in: folder)
    #expect(report.warnings.contains { $0.contains("\"leak\"") && $0.contains("--drop") })
    #expect(!report.warnings.contains { $0.contains("\"slope\"") })
  }

  @Test func penaltiesAreTheirParts() throws {
    let folder = try table(rows: 1_000)
    let drop = ["d.csv", "--target", "y", "--drop", "leak,w"]
    func run(_ more: String...) throws -> Report {
      let result = try Program.run(
        ["fit"] + drop + more + ["--model", "m.json", "--json"], in: folder)
      try #require(result.status == 0, "\(more): \(result.errors)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Report.self, from: Data(result.output.utf8))
    }
    let net = try run("--l1", "0.01", "--l2", "0.03")
    #expect(abs(net.lambda - 0.04) < 1e-15 && abs(net.l1Ratio - 0.25) < 1e-12)
    #expect(net.coefficients.allSatisfy { $0.standardError == nil })
    let lasso = try run("--l1-ratio", "1")
    #expect(lasso.l1Ratio == 1 && lasso.lambda > 0 && lasso.heldOut != nil)
    let none = try run("--l2", "0")
    #expect(none.maxGradient < 1e-9 && none.coefficients.allSatisfy { $0.standardError != nil })
    #expect(net.objective > none.objective)
  }

  /// A feature held to the wrong side has no effect, one held to its own keeps it, shapes or not.
  @Test(arguments: ["none", "auto"]) func sidesAreHeld(_ shapes: String) throws {
    let folder = try table()
    let report = try fit(
      "d.csv", "--target", "y", "--drop", "leak,w", "--shapes", shapes, "--increasing", "threshold",
      "--decreasing", "slope", in: folder)
    let slope = report.coefficients.filter { $0.feature == "slope" }
    let threshold = report.coefficients.filter { $0.feature == "threshold" }
    #expect(!slope.isEmpty && slope.allSatisfy { $0.coefficient <= 0 && $0.coefficient > -1e-9 })
    #expect(threshold.allSatisfy { $0.coefficient >= 0 })
    #expect(threshold.contains { $0.coefficient > 0.1 })
    #expect(report.pairs.allSatisfy { !["slope", "threshold"].contains($0.first) })
  }

  @Test func weightsCountAndAKnownShareShifts() throws {
    let folder = try table(rows: 900)
    _ = try fit(
      "d.csv", "--target", "y", "--drop", "leak", "--weight", "w", "--l2", "0.01", in: folder)
    for (name, more) in [("p.csv", [String]()), ("q.csv", ["--prevalence", "0.1"])] {
      let result = try Program.run(
        ["predict", "--model", "m.json", "d.csv", "--id", "id", "--out", name] + more, in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    func rows(_ name: String) throws -> [[Double]] {
      let text = try String(
        contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      return text.split(separator: "\n").dropFirst().map {
        $0.split(separator: ",").dropFirst().compactMap { Double($0) }
      }
    }
    let (p, q) = (try rows("p.csv"), try rows("q.csv"))
    #expect(p.count == 900 && q.count == 900)
    let shifts = zip(p, q).map { p, q in log(p[0] / (1 - p[0])) - log(q[0] / (1 - q[0])) }
    #expect(zip(p, q).allSatisfy { $0[1] == $1[1] })
    #expect(shifts.allSatisfy { abs($0 - shifts[0]) < 1e-9 } && shifts[0] > 0.5)
  }

  @Test func separatedClassesAreNamedAndFirthFitsThem() throws {
    let folder = try temporaryFolder()
    var text = "x,z,y\n"
    for row in 0..<60 { text += "\(row),\(row * 7 % 11),\(row < 30 ? 0 : 1)\n" }
    try Data(text.utf8).write(to: folder.appendingPathComponent("d.csv"))
    let plain = try Program.run(
      "fit", "d.csv", "--target", "y", "--l2", "0", "--model", "m.json", in: folder)
    #expect(plain.status == 3)
    #expect(plain.errors.contains("\"x\"") && plain.errors.contains("--firth"), "\(plain.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("m.json").path))
    let firth = try fit("d.csv", "--target", "y", "--firth", in: folder)
    let x = try #require(firth.coefficients.first { $0.feature == "x" })
    let (low, high) = (try #require(x.low), try #require(x.high))
    #expect(x.coefficient > 0 && low > 0 && high < 10)
  }

  @Test(arguments: [
    (["--l2", "-1"], 64, "--l2"), (["--l1-ratio", "2"], 64, "--l1-ratio"),
    (["--shapes", "auto", "--l2", "1"], 64, "--shapes auto"),
    (["--increasing", "slop"], 65, "slope"), (["--increasing", "plan"], 64, "texts"),
    (["--standardise", "none"], 64, "NPY"), (["--weight", "threshold", "--l2", "1"], 65, "weight"),
    (["--drop", "threshold,slope,noise,plan,w,leak,id", "--l2", "1"], 3, "column"),
  ])
  func faultsAreRefused(_ more: [String], _ status: Int32, _ word: String) throws {
    let folder = try table(rows: 300)
    let result = try Program.run(
      ["fit", "d.csv", "--target", "y", "--model", "m.json"] + more, in: folder)
    #expect(result.status == status, "\(more): \(result.errors)")
    #expect(result.errors.contains(word), "\(more): \(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("m.json").path))
  }

  @Test func noiseIsRefusedByWhatHeldOutRowsSay() throws {
    let folder = try temporaryFolder()
    var draw = SplitMix64(7)
    var text = "a,b,c,y\n"
    for _ in 0..<400 {
      text +=
        "\(draw.uniform()),\(draw.uniform()),\(draw.uniform()),\(draw.uniform() < 0.3 ? 1 : 0)\n"
    }
    try Data(text.utf8).write(to: folder.appendingPathComponent("d.csv"))
    let result = try Program.run(
      "fit", "d.csv", "--target", "y", "--shapes", "none", "--model", "m.json", in: folder)
    // Here the held-out logits even point the wrong way.
    #expect(result.status == 3 && result.errors.contains("base rate"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("m.json").path))
  }

  @Test func telcoAsItComes() throws {
    guard let path = Shared.path("data/telco_classic/Telco-Customer-Churn.csv") else { return }
    let folder = try temporaryFolder()
    let result = try Program.run(
      "fit", path, "--target", "Churn", "--model", "m.json", "--json", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("\"customerID\"") && result.errors.contains("cells of spaces"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try decoder.decode(Report.self, from: Data(result.output.utf8))
    let auc = try #require(report.heldOut).auc
    #expect(auc >= 0.848)
  }
}

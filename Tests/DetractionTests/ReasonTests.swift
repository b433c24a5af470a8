import Detraction
import Foundation
import Histories
import Learning
import Testing

/// What a reason says follows the model's shape at the account, and the sum stays exact.
@Suite struct ReasonTests {
  /// A design of one numeric source with these columns, each of mean 0 and scale 1.
  private func design(_ bases: [String]) throws -> Design {
    let columns = bases.map { #"{"source":0,"basis":\#($0),"mean":0,"scale":1}"# }
    let text = #"""
      {"sources":[{"numeric":{}}],"columns":[\#(columns.joined(separator: ","))],"dropped":[]}
      """#
    return try JSONDecoder().decode(Design.self, from: Data(text.utf8))
  }

  @Test func theCourseIsTheCurve() throws {
    let stepped = LocalShape(
      try design([#"{"linear":{}}"#, #"{"step":{"knot":45}}"#]), coefficients: [0.001, 1],
      source: 0)
    #expect(stepped.course(from: 12, to: 64) == .step(45))
    #expect(stepped.course(from: 64, to: 12) == .step(45))
    // Beyond the step only the slope is left.
    #expect(stepped.course(from: 46, to: 64) == .slope)
    // A step is above its knot, not at it.
    #expect(stepped.course(from: 12, to: 45) == .slope)
    #expect(abs(stepped.effect(64) - 1.064) < 1e-12)

    let zero = LocalShape(
      try design([#"{"nonzero":{}}"#, #"{"log1p":{}}"#]), coefficients: [2, 0.1], source: 0)
    #expect(zero.course(from: 0, to: 3) == .step(0))

    // Down to the knot and up again: no way is said.
    let valley = LocalShape(
      try design([#"{"linear":{}}"#, #"{"hinge":{"knot":10}}"#]), coefficients: [-1, 3], source: 0)
    #expect(valley.course(from: 0, to: 20) == .other)
    #expect(valley.course(from: 10, to: 20) == .slope)
    #expect(valley.course(from: 3, to: 3) == .other)
  }

  /// The trained sample with a column of two sources' product added, strong and sure.
  private static let paired = Result {
    let sample = try SampleTraining.shared.get()
    var version = try sample.version(asOf: "2026-02-01")
    var model = version.model
    let features = model.schema.features
    func column(_ kind: String) throws -> Int {
      try #require(
        model.design.columns.firstIndex {
          features[$0.source] == .count(kind: kind, window: .days(90))
        })
    }
    let (a, b) = (try column("login"), try column("ticket_opened"))
    let pair = try JSONDecoder().decode(
      DesignPair.self, from: Data(#"{"first":\#(a),"second":\#(b),"mean":0,"scale":1}"#.utf8))
    let p = model.coefficients.count
    model.design = model.design.with(pairs: [pair])
    model.coefficients.append(-0.7)
    model.reference.means.append(0)
    // The intercept's row moves down by one; the new column is sure and by itself.
    let last = Array(model.covariance.suffix(p + 1))
    model.covariance.removeLast(p + 1)
    model.covariance += [Double](repeating: 0, count: p) + [1e-4]
    model.covariance += last.dropLast() + [0] + last.suffix(1)
    model.golden = []
    version.model = model
    return (scorer: try sample.scorer(version, asOf: "2026-02-02"), model: model)
  }

  @Test func pairsAreReasonsOfTheirOwn() throws {
    let (scorer, _) = try Self.paired.get()
    let scores = try scorer.scores(at: 0..<scorer.ranking.count)
    let pairs = scores.flatMap(\.reasons).filter { $0.feature == "login & ticket_opened" }
    #expect(pairs.count > 10)
    for reason in pairs {
      #expect(reason.text.hasSuffix(" together") && reason.text.contains(" and "))
      #expect(reason.measure == "login.count.90d & ticket_opened.count.90d")
      #expect(!reason.sayable && reason.value == nil)
    }
    #expect(pairs.contains { $0.text.contains("many ticket opened in 90 days") })
    for score in scores {
      let sum = score.reasons.reduce(score.referenceLogit + score.other) { $0 + $1.contribution }
      #expect(abs(sum - score.logit) <= 1e-9 * max(1, abs(score.logit)))
      #expect(score.reasons.count <= 4)
    }
  }

  /// By the definition, from the model file's own numbers: what is said is away from 0 by its 90 %
  /// interval, and some of what is not said is not.
  @Test func whatIsNotSureIsNotSaid() throws {
    let (scorer, model) = try Self.paired.get()
    let names = model.schema.features.map { $0.kind ?? $0.name }
    let columns = model.design.columns.map { names[$0.source] } + ["login & ticket_opened"]
    func covariance(_ a: Int, _ b: Int) -> Double {
      model.covariance[max(a, b) * (max(a, b) + 1) / 2 + min(a, b)]
    }
    var dropped = 0
    for place in [0, 1, 2, 50, 400] {
      let score = try scorer.scores(at: [place])[0]
      let raw = try Matrix(
        rows: 1, columns: model.schema.count,
        elements: try scorer.base.vectors(
          model.schema,
          rows: [VectorRow(account: scorer.ranking[place].account, asOf: scorer.asOf)],
          threads: 1))
      let z = try model.expand(raw, threads: 1).row(0)
      let d = zip(z, model.reference.means).map { $0 - $1 }
      for name in Set(columns) {
        let own = columns.indices.filter { columns[$0] == name }
        let sum = own.reduce(0) { $0 + model.coefficients[$1] * d[$1] }
        var variance = 0.0
        for a in own { for b in own { variance += d[a] * d[b] * covariance(a, b) } }
        let isSure = abs(sum) > 1.6448536269514722 * variance.squareRoot()
        let said = score.reasons.first { $0.feature == name }
        if let said {
          #expect(isSure)
          #expect(abs(said.contribution - sum) < 1e-9)
        } else if !isSure, sum != 0 {
          dropped += 1
        }
      }
    }
    #expect(dropped > 0)
  }

  @Test func wordsClaimAssociationAndFollowTheValue() throws {
    let (scorer, _) = try Self.paired.get()
    let reasons = try scorer.scores(at: 0..<scorer.ranking.count).flatMap(\.reasons)
    let patterns = reasons.compactMap(\.pattern)
    #expect(patterns.count > reasons.count / 4)
    for pattern in patterns {
      #expect(pattern.contains(" go") && pattern.contains("negative answers"))
    }
    for reason in reasons where !reason.feature.contains(" & ") {
      guard let pattern = reason.pattern else { continue }
      #expect(pattern.contains("fewer") == (reason.contribution < 0), "\(reason)")
    }
    let waits = reasons.filter { $0.text.hasPrefix("no ") && $0.text.contains(" for ") }
    #expect(!waits.isEmpty)
    for reason in waits {
      let value = try #require(reason.value), typical = try #require(reason.typical)
      #expect(value > typical && reason.text.contains("(typically "))
    }
  }
}

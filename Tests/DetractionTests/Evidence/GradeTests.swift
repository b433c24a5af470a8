import Detraction
import Foundation
import Testing

/// The rule, boundary by boundary.
@Suite struct GradeTests {
  /// All that an A needs, with nothing to spare where a boundary allows equality.
  private static let best = GradeFacts(
    permutations: 200, permutationP: 1.0 / 201, auc: 0.75, aucLow: 0.65, aucLow999: 0.6,
    detractors: 50, nonDetractors: 50, domainAUC: 0.80, liftLow: 1.5, precisionGainHigh: 0,
    calibrationSlope: 0.8, rows: 1000, rileyRows: 1000, outside: 0.10, effectiveShare: 0.3,
    origins: 3, originsAboveChance: 2, silencedDetractors: 1, levelMeasured: true)

  /// One fact moved, and the grade that is left.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let grade: Grade
    let move: @Sendable (inout GradeFacts) -> Void
    var testDescription: String { "\(name): \(grade)" }

    init(_ name: String, _ grade: Grade, _ move: @escaping @Sendable (inout GradeFacts) -> Void) {
      self.name = name
      self.grade = grade
      self.move = move
    }
  }

  static let cases: [Case] = [
    Case("as good as asked", .A) { _ in },
    Case("slope at its upper end", .A) { $0.calibrationSlope = 1.25 },
    Case("more permutations, as rare", .A) {
      $0.permutations = 1000
      $0.permutationP = 4.0 / 1001
    },
    // Below C.
    Case("one permutation as good", .D) { $0.permutationP = 2.0 / 201 },
    Case("too few permutations", .D) { $0.permutations = 199 },
    Case("no permutation test", .D) {
      $0.permutations = nil
      $0.permutationP = nil
    },
    Case("99.9 % bound at chance", .D) { $0.aucLow999 = 0.5 },
    Case("no AUC", .D) {
      $0.auc = nil
      $0.aucLow = nil
      $0.aucLow999 = nil
    },
    Case("AUC not a number", .D) { $0.aucLow999 = .nan },
    Case("AUC a little low", .D) { $0.auc = 0.5499 },
    Case("49 detractors", .D) { $0.detractors = 49 },
    Case("49 others", .D) { $0.nonDetractors = 49 },
    Case("a leak", .D) { $0.leaks = ["survey_score"] },
    Case("no overlap", .D) { $0.domainAUC = 0.951 },
    Case("overlap unknown", .D) { $0.domainAUC = nil },
    // Below B.
    Case("AUC low of a B", .C) { $0.aucLow = 0.5999 },
    Case("no lift", .C) { $0.liftLow = 1.0 },
    Case("lift unknown", .C) { $0.liftLow = nil },
    Case("worse than one feature", .C) { $0.precisionGainHigh = -0.0001 },
    Case("one feature unknown", .C) { $0.precisionGainHigh = nil },
    Case("too extreme", .C) { $0.calibrationSlope = 0.69 },
    Case("too timid", .C) { $0.calibrationSlope = 1.41 },
    Case("less than half of Riley's rows", .C) { $0.rileyRows = 2001 },
    Case("Riley without end", .C) { $0.rileyRows = .infinity },
    Case("far apart", .C) { $0.domainAUC = 0.91 },
    Case("21 % outside", .C) { $0.outside = 0.201 },
    Case("unstable", .C) {
      $0.origins = 5
      $0.originsAboveChance = 2
    },
    Case("domain AUC of a C", .C) { $0.domainAUC = 0.95 },
    // Below A.
    Case("AUC low of an A", .B) { $0.aucLow = 0.6499 },
    Case("the least AUC low of a B", .B) { $0.aucLow = 0.60 },
    Case("lift low of an A", .B) { $0.liftLow = 1.49 },
    Case("slope below", .B) { $0.calibrationSlope = 0.79 },
    Case("slope above", .B) { $0.calibrationSlope = 1.26 },
    Case("fewer rows than Riley's", .B) { $0.rileyRows = 1001 },
    Case("half of Riley's rows", .B) { $0.rileyRows = 2000 },
    Case("apart", .B) { $0.domainAUC = 0.81 },
    Case("11 % outside", .B) { $0.outside = 0.101 },
    Case("20 % outside", .B) { $0.outside = 0.20 },
    Case("weights too uneven", .B) { $0.effectiveShare = 0.299 },
    Case("weights unknown", .B) { $0.effectiveShare = nil },
    Case("no origins", .B) {
      $0.origins = 0
      $0.originsAboveChance = 0
    },
    Case("two origins", .B) {
      $0.origins = 2
      $0.originsAboveChance = 2
    },
    Case("half of the origins", .B) {
      $0.origins = 4
      $0.originsAboveChance = 2
    },
    Case("nobody silenced", .B) { $0.silencedDetractors = 0 },
    Case("silenced unknown", .B) { $0.silencedDetractors = nil },
    Case("level not measured", .B) { $0.levelMeasured = false },
  ]

  @Test(arguments: cases) func boundary(_ boundary: Case) throws {
    var facts = Self.best
    boundary.move(&facts)
    let grading = Grading(facts)
    #expect(grading.grade == boundary.grade)
    #expect(grading.reasons.isEmpty == (grading.grade == .A))
    #expect(
      try JSONDecoder().decode(Grading.self, from: JSONEncoder().encode(grading)) == grading)
  }

  /// What is unknown is said even where something else keeps the version lower.
  @Test func unknownFactsAreSaid() {
    let grading = Grading(GradeFacts(detractors: 40, nonDetractors: 400, rows: 440))
    #expect(grading.grade == .D)
    #expect(grading.reasons.contains { $0.contains("silenced detractors") })
    #expect(grading.reasons.contains { $0.contains("level: not known; A needs to be measured") })
    #expect(
      grading.reasons.contains { $0 == "customers who are detractors: 40; C needs at least 50" })
  }

  @Test func leaksAreNamed() {
    var facts = Self.best
    facts.leaks = ["survey_score", "nps"]
    #expect(Grading(facts).reasons.first == "leaks: survey_score, nps")
  }

  @Test func betterFactsNeverLowerTheGrade() {
    #expect(Grade.allCases.sorted() == [.D, .C, .B, .A])
    for boundary in Self.cases {
      var facts = Self.best
      boundary.move(&facts)
      let before = Grading(facts).grade
      facts.auc = 0.9
      facts.aucLow = 0.85
      facts.aucLow999 = 0.8
      facts.liftLow = 3
      facts.levelMeasured = true
      #expect(Grading(facts).grade >= before)
    }
  }
}

/// A version's grade by `GradeRule`, and every check behind it.
package struct Grading: Codable, Sendable, Equatable {
  /// One line of the rule held against the facts.
  package struct Check: Codable, Sendable, Equatable {
    /// The grade that asks for it: a check failed leaves the version below this grade.
    package var grade: Grade
    package var name: String
    /// Nil: not known, or no finite number.
    package var value: Double?
    package var needed: String
    package var passed: Bool

    init(grade: Grade, name: String, value: Double?, needed: String, passed: Bool) {
      self.grade = grade
      self.name = name
      self.value = value.flatMap { $0.isFinite ? $0 : nil }
      self.needed = needed
      self.passed = passed
    }
  }

  package let grade: Grade
  /// What keeps it from the next grade up, and what is not known; empty only for an A.
  package let reasons: [String]
  /// In the order of the rule: those for C, for B, for A.
  package let checks: [Check]

  package init(_ facts: GradeFacts) {
    self.init(
      checks: Self.checksForC(facts) + Self.checksForB(facts) + Self.checksForA(facts),
      leaks: facts.leaks)
  }

  /// The best grade all of whose checks are passed, and those of the grades below it. `leaks`: features
  /// by name.
  init(checks: [Check], leaks: [String]) {
    func passes(_ grade: Grade) -> Bool { checks.allSatisfy { $0.grade != grade || $0.passed } }
    let grade: Grade = !passes(.C) ? .D : !passes(.B) ? .C : !passes(.A) ? .B : .A
    let next = Grade.allCases.filter { $0 > grade }.min()
    var reasons: [String] = []
    for check in checks where !check.passed && (check.grade == next || check.value == nil) {
      let value = check.value.map(Self.text) ?? "not known"
      let reason =
        "\(check.name): \(value); \(check.grade.rawValue) needs \(check.needed)"
      if !reasons.contains(reason) { reasons.append(reason) }
    }
    if !leaks.isEmpty, grade == .D {
      reasons.insert("leaks: " + leaks.joined(separator: ", "), at: 0)
    }
    self.grade = grade
    self.reasons = reasons
    self.checks = checks
  }

  /// Failing one of these is a D.
  private static func checksForC(_ facts: GradeFacts) -> [Check] {
    let rule = GradeRule.self
    return [
      atLeast(
        .C, "label permutations tried", facts.permutations.map(Double.init),
        Double(rule.permutations)),
      Check(
        grade: .C, name: "p-value of the permutation test", value: facts.permutationP,
        needed: "at most 1/201", passed: known(facts.permutationP) { $0 <= rule.permutationP }),
      Check(
        grade: .C, name: "AUC, lower end at 99.9 %", value: facts.aucLow999,
        needed: "above \(rule.chance)", passed: known(facts.aucLow999) { $0 > rule.chance }),
      atLeast(.C, "AUC out of fold", facts.auc, rule.leastAUC),
      atLeast(
        .C, "customers who are detractors", Double(facts.detractors), Double(rule.leastOfClass)),
      atLeast(
        .C, "customers who are not", Double(facts.nonDetractors), Double(rule.leastOfClass)),
      atMost(.C, "features that leak", Double(facts.leaks.count), 0),
      atMost(.C, domainName, facts.domainAUC, rule.domainAUC.c),
    ]
  }

  private static func checksForB(_ facts: GradeFacts) -> [Check] {
    let rule = GradeRule.self
    var checks = [
      atLeast(.B, "AUC, lower end at 95 %", facts.aucLow, rule.aucLow.b),
      Check(
        grade: .B, name: liftName, value: facts.liftLow, needed: "above \(text(rule.liftLow.b))",
        passed: known(facts.liftLow) { $0 > rule.liftLow.b }),
      Check(
        grade: .B,
        name: "precision at capacity less the best single feature's, upper end at 95 %",
        value: facts.precisionGainHigh, needed: "0 or more",
        passed: known(facts.precisionGainHigh) { $0 >= 0 }),
      within(.B, facts.calibrationSlope, rule.slope.b),
      atLeast(.B, rowsName, rileyShare(facts), rule.rileyShare.b),
      atMost(.B, domainName, facts.domainAUC, rule.domainAUC.b),
      atMost(.B, outsideName, facts.outside, rule.outside.b),
    ]
    if facts.origins > 0 {
      checks.append(atLeast(.B, originName, originShare(facts), rule.originShare.b))
    }
    return checks
  }

  private static func checksForA(_ facts: GradeFacts) -> [Check] {
    let rule = GradeRule.self
    return [
      atLeast(.A, "AUC, lower end at 95 %", facts.aucLow, rule.aucLow.a),
      atLeast(.A, liftName, facts.liftLow, rule.liftLow.a),
      within(.A, facts.calibrationSlope, rule.slope.a),
      atLeast(.A, rowsName, rileyShare(facts), rule.rileyShare.a),
      atMost(.A, domainName, facts.domainAUC, rule.domainAUC.a),
      atMost(.A, outsideName, facts.outside, rule.outside.a),
      atLeast(
        .A, "effective share of the respondents", facts.effectiveShare, rule.effectiveShare),
      atLeast(.A, "origins of the back-test", Double(facts.origins), Double(rule.leastOrigins)),
      atLeast(.A, originName, originShare(facts), rule.originShare.a),
      atLeast(
        .A, "silenced detractors in the back-test", facts.silencedDetractors.map(Double.init),
        Double(rule.leastSilenced)),
      Check(
        grade: .A, name: "level", value: facts.levelMeasured ? 1 : nil,
        needed: "to be measured by contacting silent accounts drawn by lot",
        passed: facts.levelMeasured),
    ]
  }

  private static let domainName = "AUC of telling respondents from silent accounts"
  private static let liftName = "lift at capacity, lower end at 95 %"
  private static let rowsName = "rows over those that Riley's rule asks for"
  private static let outsideName = "share of silent accounts outside the respondents' support"
  private static let originName = "share of origins with an AUC surely above ½"

  private static func rileyShare(_ facts: GradeFacts) -> Double? {
    facts.rileyRows.map { Double(facts.rows) / $0 }
  }

  private static func originShare(_ facts: GradeFacts) -> Double? {
    facts.origins > 0 ? Double(facts.originsAboveChance) / Double(facts.origins) : nil
  }

  static func atLeast(
    _ grade: Grade, _ name: String, _ value: Double?, _ least: Double
  ) -> Check {
    Check(
      grade: grade, name: name, value: value, needed: "at least \(text(least))",
      passed: known(value) { $0 >= least })
  }

  static func atMost(
    _ grade: Grade, _ name: String, _ value: Double?, _ most: Double
  ) -> Check {
    Check(
      grade: grade, name: name, value: value, needed: "at most \(text(most))",
      passed: known(value) { $0 <= most })
  }

  private static func within(
    _ grade: Grade, _ value: Double?, _ range: ClosedRange<Double>
  ) -> Check {
    Check(
      grade: grade, name: "calibration slope", value: value,
      needed: "\(range.lowerBound) to \(range.upperBound)",
      passed: known(value) { range.contains($0) })
  }

  static func known(_ value: Double?, _ passes: (Double) -> Bool) -> Bool {
    value.map(passes) ?? false
  }

  /// At most four decimals, none for a whole number.
  private static func text(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let rounded = (value * 10_000).rounded() / 10_000
    guard rounded == rounded.rounded(), abs(rounded) < 1e15 else { return "\(rounded)" }
    return "\(Int(rounded))"
  }
}

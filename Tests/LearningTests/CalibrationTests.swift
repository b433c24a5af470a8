import Foundation
import Learning
import TestSupport
import Testing

@Suite struct CalibrationTests {
  /// Logits, and labels drawn by a distortion of them.
  private func sample(
    _ seed: UInt64, _ count: Int, distortion: (Double) -> Double
  ) -> (logits: [Double], labels: [Double]) {
    var random = SplitMix64(seed)
    let logits = (0..<count).map { _ in 1.5 * random.normal() - 0.5 }
    let labels = logits.map { random.uniform() < 1 / (1 + exp(-distortion($0))) ? 1.0 : 0 }
    return (logits, labels)
  }

  @Test func fewRowsGetPlatt() throws {
    let (logits, labels) = sample(1, 999) { $0 }
    let choice = try ScoreCalibration.fit(logits: logits, labels: labels)
    #expect(
      choice.calibration == (try ScoreCalibration.fitPlatt(logits: logits, labels: labels)))
    #expect(choice.candidates.isEmpty)
    // Rows without weight are no rows.
    let more = try ScoreCalibration.fit(
      logits: logits + [1, 2], labels: labels + [0, 1],
      weights: [Double](repeating: 1, count: 999) + [0, 0])
    #expect(more.candidates.isEmpty)
  }

  @Test func kindsFollowRowsAndShape() throws {
    // Bent as only beta can bend: a and b differ.
    let (logits, labels) = sample(2, 8000) { -2.5 * log1p(exp(-$0)) + 0.4 * log1p(exp($0)) + 1 }
    let beta = try ScoreCalibration.fit(logits: logits, labels: labels)
    #expect(beta.candidates.map(\.kind) == [.beta, .platt, .isotonic])
    guard case .beta(let a, let b, let c) = beta.calibration else {
      Issue.record("expected beta, got \(beta.calibration)")
      return
    }
    #expect(abs(a - 2.5) < 0.7 && abs(b - 0.4) < 0.3 && abs(c - 1) < 0.5)
    // A threshold: nothing smooth follows it.
    let step = sample(3, 12_000) { $0 < 0 ? -2 : 2 }
    let isotonic = try ScoreCalibration.fit(logits: step.logits, labels: step.labels)
    guard case .isotonic = isotonic.calibration else {
      Issue.record("expected isotonic, got \(isotonic.calibration)")
      return
    }
    // 900 positives: no isotonic.
    let rare = sample(4, 2000) { $0 - 2 }
    let choice = try ScoreCalibration.fit(logits: rare.logits, labels: rare.labels)
    #expect(choice.candidates.map(\.kind) == [.beta, .platt])
  }

  @Test func everyKindIsMonotoneAndFinite() throws {
    for seed in 0..<20 {
      var random = SplitMix64(UInt64(seed) &+ 40)
      let sign = seed % 4 == 3 ? -1.0 : 1
      let logits = (0..<300).map { _ in (random.normal() * 6).rounded() / 2 }
      let labels = logits.enumerated().map {
        $0 < 2 ? Double($0) : random.uniform() < 1 / (1 + exp(-sign * $1)) ? 1.0 : 0
      }
      let kinds = [
        ScoreCalibration.none,
        try .fitPlatt(logits: logits, labels: labels),
        try .fitBeta(logits: logits, labels: labels),
        try .fitIsotonic(logits: logits, labels: labels),
      ]
      for calibration in kinds {
        let values = stride(from: -40.0, through: 40, by: 0.25).map {
          calibration.calibrated(logit: $0)
        }
        #expect(values.allSatisfy { $0.isFinite })
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 + 1e-12 })
        for logit in [-3.0, 0, 1.25] {
          let p = calibration.probability(logit: logit)
          #expect(abs(log(p / (1 - p)) - calibration.calibrated(logit: logit)) < 1e-12)
        }
        let data = try JSONEncoder().encode(calibration)
        let decoded = try JSONDecoder().decode(ScoreCalibration.self, from: data)
        #expect(decoded == calibration)
      }
    }
  }

  @Test func weightIsRepetition() throws {
    let (logits, labels) = sample(5, 400) { 0.6 * $0 + 0.3 }
    let rounded = logits.map { ($0 * 4).rounded() / 4 }
    let weights = logits.indices.map { Double($0 % 3) }
    let rows = logits.indices.flatMap { [Int](repeating: $0, count: $0 % 3) }
    func fit(_ kind: Int, _ x: [Double], _ y: [Double], _ w: [Double]?) throws -> ScoreCalibration {
      switch kind {
      case 0: try .fitPlatt(logits: x, labels: y, weights: w)
      case 1: try .fitBeta(logits: x, labels: y, weights: w)
      default: try .fitIsotonic(logits: x, labels: y, weights: w)
      }
    }
    for kind in 0..<3 {
      let a = try fit(kind, rounded, labels, weights)
      let b = try fit(kind, rows.map { rounded[$0] }, rows.map { labels[$0] }, nil)
      for logit in stride(from: -6.0, through: 6, by: 0.2) {
        #expect(abs(a.probability(logit: logit) - b.probability(logit: logit)) < 1e-12)
      }
    }
  }

  @Test func orderOfRowsChangesNothing() throws {
    let (logits, labels) = sample(6, 3000) { 0.8 * $0 + 0.2 }
    let a = try ScoreCalibration.fit(logits: logits, labels: labels)
    let b = try ScoreCalibration.fit(logits: logits.reversed(), labels: labels.reversed())
    #expect(a.candidates.map(\.kind) == b.candidates.map(\.kind))
    for logit in stride(from: -6.0, through: 6, by: 0.2) {
      #expect(
        abs(a.calibration.calibrated(logit: logit) - b.calibration.calibrated(logit: logit))
          < 1e-9)
    }
  }

  @Test func priorShiftMovesTheOdds() throws {
    let shift = try ScoreCalibration.priorShift(from: 0.2, to: 0.5)
    #expect(abs(shift - log(4)) < 1e-15)
    #expect(throws: LearningError.self) { try ScoreCalibration.priorShift(from: 0, to: 0.5) }
    #expect(throws: LearningError.self) { try ScoreCalibration.priorShift(from: 0.5, to: 1) }
    // Positives twice as common, all else alike: their shift is what recalibrates.
    let (logits, labels) = sample(7, 40_000) { $0 }
    let weights = labels.map { $0 == 1 ? 2.0 : 1 }
    let base = labels.reduce(0, +) / Double(labels.count)
    let known = 2 * base / (2 * base + 1 - base)
    let moved = logits.map { $0 }
    let offset = try ScoreCalibration.priorShift(from: base, to: known)
    let line = try CalibrationLine(
      logits: moved.map { $0 + offset }, labels: labels, weights: weights)
    #expect(abs(line.slope - 1) < 0.05 && abs(line.intercept) < 0.05)
  }

  @Test func separatedAndUselessScores() throws {
    let logits = (0..<40).map { Double($0) - 19.5 }
    let apart = logits.map { $0 > 0 ? 1.0 : 0 }
    guard case .platt(let slope, _) = try ScoreCalibration.fitPlatt(logits: logits, labels: apart)
    else { return }
    #expect(slope > 0.2 && slope < 1)
    #expect {
      try ScoreCalibration.fitBeta(logits: logits, labels: apart)
    } throws: {
      guard case .separated? = $0 as? LearningError else { return false }
      return true
    }
    #expect {
      try CalibrationLine(logits: logits, labels: apart)
    } throws: {
      guard case .separated? = $0 as? LearningError else { return false }
      return true
    }
    #expect(
      throws: LearningError.rankDeficient(aliases: [.init(column: 0, dependsOn: [])], columns: 1)
    ) {
      try CalibrationLine(logits: [2, 2, 2], labels: [0, 1, 0])
    }
    let equal = try ScoreCalibration.fitPlatt(logits: [2, 2, 2, 2], labels: [0, 1, 0, 0])
    guard case .platt(0, let intercept) = equal else {
      Issue.record("expected no slope, got \(equal)")
      return
    }
    // Targets 2/3 and 1/5, weighted.
    let mean = (2.0 / 3 + 3.0 / 5) / 4
    #expect(abs(intercept - log(mean / (1 - mean))) < 1e-12)
    #expect(throws: LearningError.oneClass(label: 1, rows: 2)) {
      try ScoreCalibration.fit(logits: [1, 2], labels: [1, 1])
    }
    #expect(throws: (any Error).self) {
      try IsotonicKnots(logits: [1, 1], probabilities: [0.1, 0.2])
    }
    #expect(throws: (any Error).self) {
      try IsotonicKnots(logits: [1, 2], probabilities: [0.3, 0.2])
    }
    #expect(throws: (any Error).self) {
      try JSONDecoder().decode(
        ScoreCalibration.self,
        from: Data(#"{"isotonic":{"_0":{"logits":[2,1],"probabilities":[0.1,0.2]}}}"#.utf8))
    }
  }
}

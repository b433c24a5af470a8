import Foundation
import Learning
import TestSupport
import Testing

/// DeLong's error where a customer's rows hang together.
@Suite struct ClusteredAreaTests {
  private func rows(_ seed: UInt64, customers: Int = 150) -> (
    scores: [Double], labels: [Double], clusters: [Int]
  ) {
    var random = SplitMix64(seed)
    var result: ([Double], [Double], [Int]) = ([], [], [])
    for customer in 0..<customers {
      let common = random.normal()
      for _ in 0..<(1 + random.below(5)) {
        result.0.append(common + 0.3 * random.normal())
        result.1.append(random.uniform() < 1 / (1 + exp(1 - common)) ? 1 : 0)
        result.2.append(customer)
      }
    }
    return (result.0, result.1, result.2)
  }

  /// Every row a cluster of its own is DeLong's.
  @Test func lonelyRowsAreDeLong() throws {
    let (scores, labels, _) = rows(1)
    let plain = try RocArea(scores: scores, labels: labels)
    let lonely = try RocArea(
      scores: scores, labels: labels, clusters: Array(scores.indices))
    #expect(abs(plain.standardError - lonely.standardError) < 1e-14)
    let other = try RocArea(scores: scores.map { -$0 * $0 }, labels: labels)
    let otherLonely = try RocArea(
      scores: scores.map { -$0 * $0 }, labels: labels, clusters: Array(scores.indices))
    #expect(
      abs(try plain.minus(other).standardError - lonely.minus(otherLonely).standardError) < 1e-14)
  }

  /// A sample given twice knows no more than once: as Obuchowski's, and as the plain error does not.
  @Test func rowsTwiceKnowNoMore() throws {
    let (scores, labels, _) = rows(2)
    let once = try RocArea(scores: scores, labels: labels)
    let twice = try RocArea(
      scores: scores + scores, labels: labels + labels,
      clusters: Array(scores.indices) + Array(scores.indices))
    #expect(abs(once.standardError - twice.standardError) < 1e-3 * once.standardError)
    let blind = try RocArea(scores: scores + scores, labels: labels + labels)
    #expect(blind.standardError < 0.72 * once.standardError)
  }

  /// Against the spread over fresh samples.
  @Test func errorIsTheSpread() throws {
    var areas: [Double] = []
    var errors: [Double] = []
    var plain: [Double] = []
    for seed in 0..<400 {
      let (scores, labels, clusters) = rows(UInt64(1000 + seed), customers: 80)
      let area = try RocArea(scores: scores, labels: labels, clusters: clusters)
      areas.append(area.area)
      errors.append(area.standardError)
      plain.append(try RocArea(scores: scores, labels: labels).standardError)
    }
    let mean = areas.reduce(0, +) / 400
    let spread = (areas.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399).squareRoot()
    #expect(abs(errors.reduce(0, +) / 400 / spread - 1) < 0.1)
    #expect(plain.reduce(0, +) / 400 / spread < 0.95)
  }

  @Test func levels() throws {
    let (scores, labels, clusters) = rows(3)
    let area = try RocArea(scores: scores, labels: labels, clusters: clusters)
    #expect(area.interval(z: 3.290526731491926).low < area.interval.low)
    #expect(
      throws: LearningError.sizeMismatch(what: "clusters", expected: scores.count, got: 1)
    ) { try RocArea(scores: scores, labels: labels, clusters: [0]) }
  }
}

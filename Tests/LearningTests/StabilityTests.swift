import Foundation
import Learning
import TestSupport
import Testing

/// The stability index with its null, the chi-square behind it, the bootstrap of ratios.
@Suite struct StabilityTests {
  private struct Sent: Codable {
    var x: [Double]
    var degrees: [Int]
    var levels: [Double]
    var reference, fresh: [Double]
  }

  private struct Answer: Codable {
    var cumulative, quantiles: [Double]
    var index: Double
  }

  private static let script = """
    import json, sys
    import numpy as np
    from scipy.stats import chi2
    d = json.load(open(sys.argv[1]))
    ref, new = np.array(d["reference"]), np.array(d["fresh"])
    cuts = np.quantile(ref, np.arange(1, 10) / 10, method="inverted_cdf")
    r = np.bincount(np.searchsorted(cuts, ref, side="left"), minlength=10) / len(ref)
    a = np.bincount(np.searchsorted(cuts, new, side="left"), minlength=10) / len(new)
    print(json.dumps(dict(
      cumulative=[chi2.cdf(x, k) for x, k in zip(d["x"], d["degrees"])],
      quantiles=[chi2.ppf(p, k) for p, k in zip(d["levels"], d["degrees"])],
      index=float(np.sum((a - r) * np.log(a / r))))))
    """

  @Test func agreesWithSciPy() throws {
    var random = SplitMix64(7)
    let degrees = (0..<200).map { _ in 1 + random.below(60) }
    let sent = Sent(
      x: degrees.map { Double($0) * 3 * random.uniform() }, degrees: degrees,
      levels: degrees.map { _ in 1 - 0.1 * pow(10, -5 * random.uniform()) },
      reference: (0..<3000).map { _ in random.normal() },
      fresh: (0..<2000).map { _ in 0.4 + random.normal() })
    let index = try ReferenceBins(of: sent.reference).index(of: sent.fresh)
    guard let output = try Python.run(Self.script, on: sent) else { return }
    let answer = try JSONDecoder().decode(Answer.self, from: output)
    for k in degrees.indices {
      #expect(
        abs(ChiSquare.cumulative(sent.x[k], degrees: degrees[k]) - answer.cumulative[k]) < 1e-11)
      #expect(
        abs(ChiSquare.quantile(sent.levels[k], degrees: degrees[k]) - answer.quantiles[k]) < 1e-7
          * answer.quantiles[k])
    }
    #expect(abs(index.index - answer.index) < 1e-12)
  }

  /// Never by chance on small samples: the null holds its level down to 30 values, zeros, ties and
  /// missing ones among them.
  @Test(arguments: [30, 100, 1000], [100, 5000]) func nullHoldsItsLevel(n: Int, m: Int) throws {
    var random = SplitMix64(UInt64(n * 7 + m))
    var fired = 0
    let runs = 800
    for _ in 0..<runs {
      func value() -> Double {
        let u = random.uniform()
        return u < 0.05 ? .nan : u < 0.4 ? 0 : u < 0.6 ? Double(random.below(4)) : random.normal()
      }
      let bins = try ReferenceBins(of: (0..<m).map { _ in value() })
      let index = bins.index(of: (0..<n).map { _ in value() })
      if index.index > 0.1, index.isBeyondChance(0.99) { fired += 1 }
    }
    // At 1 % a count of 800 exceeds 18 once in a thousand.
    #expect(fired <= 18)
  }

  @Test func aMoveIsSeen() throws {
    var random = SplitMix64(9)
    let bins = try ReferenceBins(of: (0..<2000).map { _ in random.normal() })
    let index = bins.index(of: (0..<500).map { _ in 1 + random.normal() })
    #expect(index.index > 0.1 && index.isBeyondChance(0.9999))
  }

  @Test func edges() throws {
    #expect(throws: LearningError.self) { try ReferenceBins(of: []) }
    let constant = try ReferenceBins(of: [Double](repeating: 3, count: 50))
    #expect(constant.cuts == [3] && constant.shares == [1, 0, 0])
    #expect(constant.index(of: [3, 3, 3]).null(0.99) == .infinity)
    // Something that was never more than so much, and now is.
    let beyond = constant.index(of: [Double](repeating: 4, count: 50))
    #expect(beyond.isBeyondChance(0.999) && beyond.index > 1)
    let missing = try ReferenceBins(of: [Double](repeating: .nan, count: 50))
    #expect(missing.index(of: [.nan]).index == 0)
    let levels = try ReferenceBins(of: [0, 1, 2, 2, 1, 1, .nan], levels: 3)
    #expect(levels.shares.map { ($0 * 7).rounded() } == [1, 3, 2, 1])
    #expect(abs(levels.shares.reduce(0, +) - 1) < 1e-15)
    // From a constant to something else is a move.
    let moved = try ReferenceBins(of: [Double](repeating: 0, count: 500) + [1])
      .index(of: [Double](repeating: 1, count: 100))
    #expect(moved.isBeyondChance(0.999) && moved.index > moved.null(0.999))
  }

  /// The spread of the replicates is the ratio's.
  @Test func ratioBootstrap() {
    var random = SplitMix64(11)
    let b = (0..<2000).map { _ in Double(1 + random.below(3)) }
    let a = b.map { b in
      (0..<Int(b)).reduce(0.0) { sum, _ in sum + (random.uniform() < 0.3 ? 1 : 0) }
    }
    let replicates = bootstrapRatios(a, over: b, replicates: 2000, seed: 5, threads: 2)
    let ratio = a.reduce(0, +) / b.reduce(0, +)
    let residual = zip(a, b).reduce(0) { $0 + ($1.0 - ratio * $1.1) * ($1.0 - ratio * $1.1) }
    let error = residual.squareRoot() / b.reduce(0, +)
    let mean = replicates.reduce(0, +) / 2000
    let spread = replicates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1999
    #expect(replicates.count == 2000)
    #expect(abs(mean - ratio) < 0.1 * error)
    #expect(abs(spread.squareRoot() / error - 1) < 0.06)
    #expect(replicates == bootstrapRatios(a, over: b, replicates: 2000, seed: 5, threads: 1))
    #expect(replicates != bootstrapRatios(a, over: b, replicates: 2000, seed: 6, threads: 1))
  }
}

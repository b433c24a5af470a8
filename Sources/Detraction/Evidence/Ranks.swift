/// Where a few accounts stand in a ranking of very many, without keeping the many: their scores are
/// given first, then everybody's go by.
///
/// Memory and the start are O(few); each account that goes by is O(log few).
package struct Ranks {
  /// Different scores of the few, falling.
  private let scores: [Double]
  /// Of each: those that went by above it and below the score before; those tied with it.
  private var above: [Double]
  private var tied: [Double]

  /// `few`: the scores of those whose places are wanted.
  package init(of few: [Double]) {
    scores = Set(few).sorted(by: >)
    above = [Double](repeating: 0, count: scores.count)
    tied = above
  }

  /// Lets one go by that counts for `weight`.
  package mutating func pass(_ score: Double, weight: Double = 1) {
    let place = firstNotAbove(score)
    guard place < scores.count else { return }
    if scores[place] == score { tied[place] += weight } else { above[place] += weight }
  }

  /// The first of the few's scores that is at or below one.
  private func firstNotAbove(_ score: Double) -> Int {
    var (low, high) = (0, scores.count)
    while low < high {
      let middle = (low + high) / 2
      if scores[middle] > score { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// How many went by above each of the few, and how many tied with it (itself among them).
  package func standings(of few: [Double]) -> [Standing] {
    var before: [Double] = []
    var sum = 0.0
    for place in scores.indices {
      sum += above[place]
      before.append(sum)
      sum += tied[place]
    }
    return few.map { score in
      let place = firstNotAbove(score)
      return Standing(above: before[place], tied: tied[place])
    }
  }
}

/// Where one account stands: who is called before it, and who at the same time.
package struct Standing: Sendable, Equatable {
  package var above: Double
  package var tied: Double

  /// The chance of being among the first k, ties in random order (METHODS 4.1).
  package func isCalled(_ k: Double) -> Double { min(1, max(0, (k - above) / tied)) }
}

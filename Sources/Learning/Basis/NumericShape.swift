/// What the distinct values of a numeric source say about the columns it could give.
///
/// Looks at x and the weights alone, never at labels.
struct NumericShape {
  let cleaning: SourceCleaning
  /// Whether the logarithm stands for the value: tails heavier than it can bear.
  private let isLog: Bool
  /// At most two values: one column says all.
  private let isBinary: Bool
  private let hasMissing: Bool
  private let keepsZero: Bool
  /// Distinct values (0 left out where it is kept apart) with enough weight on both sides of the gap
  /// that follows each: the value, and the middle of the gap.
  private let gaps: [(value: Double, middle: Double)]
  /// Of each gap, Σ √weight over the distinct values up to it: between quantiles of the distinct
  /// values, where a few frequent ones count little, and those of the rows, where they count all.
  private let positions: [Double]
  /// More distinct values than a handful of steps can tell.
  private let hasHinges: Bool

  /// `minimum`: the least weight on either side of a split.
  init(_ values: [Double], weights: [Double]?, minimum: Double) {
    var distinct = Self.distinct(values, weights)
    let total = weights.map { $0.reduce(0, +) } ?? Double(values.count)
    let codes = Self.removeCodes(&distinct)
    let present = distinct.reduce(0) { $0 + $1.weight }
    hasMissing = total - present >= minimum && present >= minimum
    let zero = distinct.first { $0.value == 0 }?.weight ?? 0
    keepsZero =
      distinct.count > 2 && zero >= max(minimum, 0.05 * present) && present - zero >= minimum
    let kept = keepsZero ? distinct.filter { $0.value != 0 } : distinct
    isBinary = distinct.count <= 2
    guard !isBinary, let first = kept.first, let last = kept.last else {
      cleaning = SourceCleaning(
        missingCodes: codes, lower: distinct.first?.value, upper: distinct.last?.value)
      (isLog, gaps, positions, hasHinges, keptWeight) = (false, [], [], false, 0)
      return
    }
    var limits = (lower: first.value, upper: last.value)
    if kept.count > 20 {
      limits = (Self.quantile(kept, 0.0025), Self.quantile(kept, 0.9975))
    }
    if keepsZero { limits = (min(limits.lower, 0), max(limits.upper, 0)) }
    cleaning = SourceCleaning(missingCodes: codes, lower: limits.lower, upper: limits.upper)
    let clamped = distinct.map { (min(max($0.value, limits.lower), limits.upper), $0.weight) }
    let skewness = abs(Moments(of: clamped).skewness)
    let logSkewness = abs(Moments(of: clamped.map { (Basis.signedLog($0.0), $0.1) }).skewness)
    isLog = skewness > 2 && logSkewness < skewness
    keptWeight = kept.reduce(0) { $0 + $1.weight }
    var below = 0.0
    var root = 0.0
    var gaps: [(Double, Double)] = []
    var positions: [Double] = []
    for (value, next) in zip(kept, kept.dropFirst()) {
      below += value.weight
      root += value.weight.squareRoot()
      guard below >= minimum, keptWeight - below >= minimum else { continue }
      gaps.append((value.value, value.value + (next.value - value.value) / 2))
      positions.append(root)
    }
    self.gaps = gaps
    self.positions = positions
    hasHinges = kept.count > 6
  }

  /// Weight of the rows whose values the knots divide.
  private let keptWeight: Double

  /// Most steps a source.
  private static let mostKnots = 16

  /// The bases with a step for each `weightPerKnot` at most, and half as many hinges.
  func bases(weightPerKnot: Double) -> [Basis] {
    let knots = Int(min(Double(Self.mostKnots), keptWeight / weightPerKnot))
    var bases: [Basis] = [isLog ? .log1p : .linear]
    if keepsZero { bases.append(.nonzero) }
    bases += spread(knots).map { .step(knot: gaps[$0].middle) }
    if hasHinges {
      bases += spread(knots / 2).map {
        isLog
          ? .logHinge(knot: Basis.signedLog(gaps[$0].value)) : .hinge(knot: gaps[$0].value)
      }
    }
    if hasMissing { bases.append(.missing) }
    return bases
  }

  /// At most `count` gaps, evenly spread over the positions.
  private func spread(_ count: Int) -> [Int] {
    guard gaps.count > count else { return Array(gaps.indices) }
    guard count > 0, let first = positions.first, let last = positions.last else { return [] }
    var chosen: [Int] = []
    var at = 0
    for k in 1...count {
      let target = first + (last - first) * Double(k) / Double(count + 1)
      while positions[at] < target { at += 1 }
      if chosen.last != at { chosen.append(at) }
    }
    return chosen
  }

  /// Present values of positive weight, ascending, with their weights. O(rows log rows).
  private static func distinct(_ values: [Double], _ weights: [Double]?)
    -> [(value: Double, weight: Double)]
  {
    var result: [(value: Double, weight: Double)] = []
    func add(_ value: Double, _ weight: Double) {
      if let last = result.last, last.value == value {
        result[result.count - 1].weight += weight
      } else {
        result.append((value, weight))
      }
    }
    if let weights {
      let order = values.indices.filter { !values[$0].isNaN && weights[$0] > 0 }
        .sorted { (values[$0], $0) < (values[$1], $1) }
      for row in order { add(values[row], weights[row]) }
    } else {
      for value in values.filter({ !$0.isNaN }).sorted() { add(value, 1) }
    }
    return result
  }

  /// Takes out isolated extreme values that stand for "missing" and returns them, ascending.
  ///
  /// An end value is one if it occurs more than once and lies further from the rest than ten times
  /// the rest's range; a number of nines (99, −999999, 9999999999) if further than its range.
  private static func removeCodes(_ distinct: inout [(value: Double, weight: Double)]) -> [Double] {
    var codes: [Double] = []
    for _ in 0..<2 {
      for atEnd in [false, true] {
        guard distinct.count > 2 else { break }
        let end = atEnd ? distinct[distinct.count - 1] : distinct[0]
        let rest = atEnd ? distinct.dropLast() : distinct.dropFirst()
        guard let low = rest.first?.value, let high = rest.last?.value else { break }
        let gap = atEnd ? end.value - high : low - end.value
        let isNines = isNines(end.value)
        guard isNines || rest.count > 2 else { continue }
        guard end.weight >= 2, gap > (isNines ? 1 : 10) * (high - low) else { continue }
        codes.append(end.value)
        if atEnd { distinct.removeLast() } else { distinct.removeFirst() }
      }
    }
    return codes.sorted()
  }

  /// ±99, ±999, … 15 nines at most.
  private static func isNines(_ x: Double) -> Bool {
    var nines = 99.0
    while nines < 1e15 {
      if abs(x) == nines { return true }
      nines = nines * 10 + 9
    }
    return false
  }

  /// The least value with at least `share` of the weight at or below it.
  private static func quantile(_ distinct: [(value: Double, weight: Double)], _ share: Double)
    -> Double
  {
    let target = share * distinct.reduce(0) { $0 + $1.weight }
    var sum = 0.0
    for (value, weight) in distinct {
      sum += weight
      if sum >= target { return value }
    }
    return distinct[distinct.count - 1].value
  }
}

/// Weighted mean, deviation (divisor W) and skewness of the values that are not NaN.
struct Moments {
  var mean = 0.0
  var deviation = 0.0
  var skewness = 0.0

  init(of values: some Collection<(Double, Double)>) {
    var count = 0.0
    var sum = 0.0
    var largest = 0.0
    for (value, weight) in values where !value.isNaN {
      count += weight
      sum += weight * value
      largest = max(largest, abs(value))
    }
    guard count > 0 else { return }
    mean = sum / count
    var second = 0.0
    var third = 0.0
    for (value, weight) in values where !value.isNaN {
      let d = value - mean
      second += weight * d * d
      third += weight * d * d * d
    }
    let variance = second / count
    // Below this the spread is rounding.
    guard variance.squareRoot() > 1e-13 * largest else { return }
    deviation = variance.squareRoot()
    skewness = third / count / (variance * deviation)
  }
}

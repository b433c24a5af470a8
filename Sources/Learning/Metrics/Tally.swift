/// The sums that every metric is made of, in eight replicates side by side.
///
/// One walk from the highest score down. With weight w and multiplicity m a row counts as w m.
struct Tally {
  /// Sums of weights: of all rows, of positive ones.
  private(set) var total = Lanes()
  private(set) var positives = Lanes()
  private(set) var loss = Lanes()
  private(set) var square = Lanes()
  private(set) var probability = Lanes()
  /// Σ over negatives of the positives above them, ties counted half.
  private(set) var pairs = Lanes()
  /// Σ over positives of the precision at their score.
  private(set) var precisions = Lanes()
  /// Positives among the first share of each cut, rows tied at it shared (METHODS 4.1).
  private(set) var found: [Lanes]
  /// Σ over bins of w (mean p − mean y)², of w |mean p − mean y|, and of what noise alone adds to the
  /// first.
  private(set) var gap2 = Lanes()
  private(set) var gap = Lanes()
  private(set) var noise = Lanes()
  /// Gradient and information of the calibration line at the line of all rows.
  private var g0 = Lanes()
  private var g1 = Lanes()
  private var h00 = Lanes()
  private var h01 = Lanes()
  private var h11 = Lanes()

  /// `drawn`: the multiplicity of each unit, or nil for every row once. `cuts`: rising shares of the
  /// weight, above 0 and at most 1. O(rows).
  init(_ ranked: RankedRows, drawn: [SIMD8<UInt8>]?, cuts: [Double]) {
    found = [Lanes](repeating: Lanes(), count: cuts.count)
    if let drawn {
      drawn.withUnsafeBufferPointer { drawn in
        walk(ranked, cuts) { row in Lanes(drawn[Int(row.unit)]) }
      }
    } else {
      walk(ranked, cuts) { _ in Lanes(repeating: 1) }
    }
  }

  @inline(__always)
  private mutating func walk(
    _ ranked: RankedRows, _ cuts: [Double], _ multiplicity: (RankedRows.Row) -> Lanes
  ) {
    for row in ranked.rows { total += multiplicity(row) * row.weight }
    var nextCut = CutReader(cuts, total: total)
    var score = Group()
    var bin = Bin()
    for row in ranked.rows {
      let m = multiplicity(row)
      let w = m * row.weight
      score.weight += w
      if row.isPositive { score.positive += w }
      bin.probability += w * row.probability
      bin.squaredWeight += w * row.weight
      loss += w * row.loss
      let miss = row.probability - (row.isPositive ? 1 : 0)
      square += w * (miss * miss)
      let residual = w * (row.onLine - (row.isPositive ? 1 : 0))
      g0 += residual
      g1 += residual * row.logit
      let curvature = w * (row.onLine * (1 - row.onLine))
      h00 += curvature
      h01 += curvature * row.logit
      h11 += curvature * (row.logit * row.logit)
      guard row.endsScore else { continue }
      end(score, called: &nextCut)
      bin.group.weight += score.weight
      bin.group.positive += score.positive
      score = Group()
      guard row.endsBin else { continue }
      end(bin)
      bin = Bin()
    }
    nextCut.finish(&found, all: positives)
  }

  /// Weight and positive weight of rows that hang together.
  struct Group {
    var weight = Lanes()
    var positive = Lanes()
  }

  private struct Bin {
    var group = Group()
    var probability = Lanes()
    var squaredWeight = Lanes()
  }

  @inline(__always)
  private mutating func end(_ score: Group, called nextCut: inout CutReader) {
    let negative = score.weight - score.positive
    pairs += negative * (positives + 0.5 * score.positive)
    nextCut.pass(score, found: positives, into: &found)
    positives += score.positive
    let precision = positives / nextCut.called
    // A score not drawn, with nothing drawn above it, has no precision to add.
    precisions += (score.positive * precision).replacing(with: 0, where: score.positive .== 0)
  }

  private mutating func end(_ bin: Bin) {
    let n = bin.group.weight
    let isDrawn = n .> 0
    let p = bin.probability / n
    let y = bin.group.positive / n
    let d = p - y
    let absolute = d.replacing(with: -d, where: d .< 0)
    // Kish's count of rows: Σw² where every row counts alike.
    let rows = n * n / bin.squaredWeight
    probability += bin.probability
    gap2 += Lanes().replacing(with: n * d * d, where: isDrawn)
    gap += Lanes().replacing(with: n * absolute, where: isDrawn)
    noise += Lanes().replacing(with: n * y * (1 - y) / (rows - 1), where: isDrawn .& (rows .> 1.5))
  }

  /// What to add to the calibration line of all rows: one Newton step from it (the one-step
  /// bootstrap, METHODS 2.7).
  var lineStep: (intercept: Lanes, slope: Lanes) {
    let determinant = h00 * h11 - h01 * h01
    return ((h01 * g1 - h11 * g0) / determinant, (h01 * g0 - h00 * g1) / determinant)
  }
}

/// Finds, score by score from the top, what lies above cuts that differ from lane to lane.
private struct CutReader {
  private(set) var called = Lanes()
  private let cuts: [Double]
  private let total: Lanes
  private var index = SIMD8<Int>()
  private var next = Lanes(repeating: .infinity)

  init(_ cuts: [Double], total: Lanes) {
    self.cuts = cuts
    self.total = total
    if let first = cuts.first { next = total * first }
  }

  /// Adds one score's rows; `found` are the positives above it.
  @inline(__always)
  mutating func pass(_ score: Tally.Group, found: Lanes, into result: inout [Lanes]) {
    let before = called
    called += score.weight
    guard any(called .>= next) else { return }
    for lane in 0..<8 {
      while called[lane] >= next[lane] {
        let part = score.weight[lane] > 0 ? (next[lane] - before[lane]) / score.weight[lane] : 0
        result[index[lane]][lane] = found[lane] + part * score.positive[lane]
        index[lane] += 1
        next[lane] = index[lane] < cuts.count ? total[lane] * cuts[index[lane]] : .infinity
      }
    }
  }

  /// A cut at the very end may lie a rounding beyond the last row.
  mutating func finish(_ result: inout [Lanes], all: Lanes) {
    for lane in 0..<8 {
      while index[lane] < cuts.count {
        result[index[lane]][lane] = all[lane]
        index[lane] += 1
      }
    }
  }
}

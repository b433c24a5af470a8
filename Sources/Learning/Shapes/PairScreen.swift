/// Finds the products of two columns that the residuals of a fit still know of.
///
/// The score test of adding z_j z_k to a logistic model, for all pairs at once by matrix products:
///
///     u = Σ r z_j z_k,  v = Σ h z_j² z_k² − (Σ h z_j z_k)² / Σ h,  statistic u²/v
///
/// with r = w (y − p), h = w p (1 − p) (Rao 1948; v is without the part that main columns explain,
/// which makes it too large and the test careful). Only pairs of different sources count.
struct PairScreen {
  /// Indices of two columns, the lower first.
  struct Pair: Hashable, Comparable, Sendable {
    let first: Int
    let second: Int

    static func < (a: Pair, b: Pair) -> Bool { (a.first, a.second) < (b.first, b.second) }
  }

  /// Most columns whose products are tried. Heredity: those of the sources whose contributions to
  /// the fit vary most.
  static let mostColumns = 448

  let block: ColumnBlock<Float>
  let rows: FoldedRows
  /// The source of each column.
  let sources: [Int]
  let threads: Int

  /// The best pairs of one problem, best first, at most `perSources` of the same two sources.
  struct Ranking: Sendable {
    let pairs: [(pair: Pair, sources: Pair)]

    /// The first `count` pairs of which at most `perSources` have the same two sources.
    func best(_ count: Int, perSources: Int) -> [Pair] {
      var used: [Pair: Int] = [:]
      var result: [Pair] = []
      for (pair, sources) in pairs where result.count < count {
        let before = used[sources] ?? 0
        guard before < perSources else { continue }
        used[sources] = before + 1
        result.append(pair)
      }
      return result
    }
  }

  /// Pairs of a statistic above `threshold`, at most `limit`, for a problem's coefficients and
  /// predictors. O(rows × candidates²).
  func ranking(
    problem: Int, theta: [Double], predictors: [Double], threshold: Double, limit: Int
  ) -> Ranking {
    let candidates = candidates(theta)
    let m = candidates.count
    let sums = self.sums(problem, predictors, candidates)
    var scored: [(statistic: Double, at: Int)] = []
    for j in 0..<m {
      for k in (j + 1)..<max(m, j + 1) where sources[candidates[j]] != sources[candidates[k]] {
        let at = j * m + k
        let spread =
          Double(sums.squares[at])
          - Double(sums.products[at]) * Double(sums.products[at]) / sums.curvature
        guard spread > 1e-3 * sums.curvature else { continue }
        let statistic = Double(sums.scores[at]) * Double(sums.scores[at]) / spread
        if statistic > threshold { scored.append((statistic, at)) }
      }
    }
    scored.sort { ($1.statistic, $0.at) < ($0.statistic, $1.at) }
    return Ranking(
      pairs: scored.prefix(limit).map { scored in
        let pair = Pair(first: candidates[scored.at / m], second: candidates[scored.at % m])
        let (a, b) = (sources[pair.first], sources[pair.second])
        return (pair, Pair(first: min(a, b), second: max(a, b)))
      })
  }

  /// Columns of the sources with the largest main effects, ascending.
  private func candidates(_ theta: [Double]) -> [Int] {
    guard let last = sources.last, sources.count > Self.mostColumns else {
      return Array(sources.indices)
    }
    // A bound of the deviation of a source's contribution: its columns have deviation 1.
    var effects = [Double](repeating: 0, count: last + 1)
    var counts = [Int](repeating: 0, count: last + 1)
    for (j, source) in sources.enumerated() {
      effects[source] += theta[j] * theta[j]
      counts[source] += 1
    }
    var isChosen = [Bool](repeating: false, count: last + 1)
    var room = Self.mostColumns
    for source in effects.indices.sorted(by: { (effects[$1], $0) < (effects[$0], $1) }) {
      guard counts[source] <= room else { break }
      room -= counts[source]
      isChosen[source] = true
    }
    return sources.indices.filter { isChosen[sources[$0]] }
  }

  private struct Sums: Sendable {
    /// Σ r z z', Σ h z² z²', Σ h z z': row-major, upper triangle by blocks.
    var scores: [Float]
    var squares: [Float]
    var products: [Float]
    /// Σ h.
    var curvature = 0.0
  }

  private func sums(_ problem: Int, _ predictors: [Double], _ candidates: [Int]) -> Sums {
    let m = candidates.count
    let stripes = rows.stripes.filter { $0.fold != problem }
    // Few lots, as each holds three matrices.
    let lots = StripedWork.bounds(of: stripes.count, unit: 1, maximum: 4)
    let parts = StripedWork.map(stripes: lots.count, threads: threads) { lot in
      let zeros = [Float](repeating: 0, count: m * m)
      var sums = Sums(scores: zeros, squares: zeros, products: zeros)
      for stripe in lots[lot] { add(stripes[stripe].range, predictors, candidates, to: &sums) }
      return sums
    }
    var result = parts[0]
    for part in parts.dropFirst() {
      for k in 0..<(m * m) {
        result.scores[k] += part.scores[k]
        result.squares[k] += part.squares[k]
        result.products[k] += part.products[k]
      }
      result.curvature += part.curvature
    }
    return result
  }

  private func add(
    _ range: Range<Int>, _ predictors: [Double], _ candidates: [Int], to sums: inout Sums
  ) {
    let m = candidates.count
    let tile = 256
    let scratch = ColumnBlock<Float>(rows: 5 * tile, columns: m)
    let z = scratch.values
    let square = z + tile * m
    let residual = z + 2 * tile * m
    let curved = z + 3 * tile * m
    let curvedSquare = z + 4 * tile * m
    var start = range.lowerBound
    while start < range.upperBound {
      let tileRows = start..<min(start + tile, range.upperBound)
      for row in tileRows {
        let p = SigmoidKernel.sigmoid(predictors[row])
        let w = rows.weights?[row] ?? 1
        let r = Float(w * (rows.labels[row] - p))
        let h = Float(w * p * (1 - p))
        sums.curvature += Double(h)
        let from = block.values + row * block.columns
        let at = (row - start) * m
        for (k, j) in candidates.enumerated() {
          let value = from[j]
          z[at + k] = value
          square[at + k] = value * value
          residual[at + k] = value * r
          curved[at + k] = value * h
          curvedSquare[at + k] = value * value * h
        }
      }
      multiply(residual, z, m, tileRows.count, into: &sums.scores)
      multiply(curvedSquare, square, m, tileRows.count, into: &sums.squares)
      multiply(curved, z, m, tileRows.count, into: &sums.products)
      start = tileRows.upperBound
    }
  }

  /// C += A' B, the blocks on and above the diagonal.
  private func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ m: Int, _ count: Int,
    into c: inout [Float]
  ) {
    c.withUnsafeMutableBufferPointer { c in
      guard let c = c.baseAddress else { return }
      for first in stride(from: 0, to: m, by: 128) {
        Float.multiply(
          a + first, m, transposed: true, b + first, m, beta: 1, into: c + first * m + first, m,
          m: min(128, m - first), n: m - first, k: count)
      }
    }
  }
}

extension ColumnBlock<Float> {
  /// Products of columns of `mains`. O(rows × pairs).
  convenience init(pairs: [PairScreen.Pair], of mains: ColumnBlock<Float>, threads: Int) {
    self.init(rows: mains.rows, columns: pairs.count)
    let stripes = StripedWork.bounds(of: rows, unit: 256, maximum: 16)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      for row in stripes[stripe] {
        let z = mains.values + row * mains.columns
        let to = values + row * columns
        for (k, pair) in pairs.enumerated() { to[k] = z[pair.first] * z[pair.second] }
      }
    }
  }

  /// Standardises every column by its weighted mean and deviation over all rows, and returns them; a
  /// column that does not vary becomes 0 and has scale 0. O(rows × columns).
  func standardise(weights: [Double]?, threads: Int) -> [(mean: Double, scale: Double)] {
    let stripes = StripedWork.bounds(of: rows, unit: 256, maximum: 16)
    func sums(_ about: [Double], power: Int) -> [Double] {
      let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
        var sums = [Double](repeating: 0, count: columns)
        for row in stripes[stripe] {
          let w = weights?[row] ?? 1
          let z = values + row * columns
          for k in 0..<columns {
            let d = Double(z[k]) - about[k]
            sums[k] += power == 1 ? w * d : w * d * d
          }
        }
        return sums
      }
      return (0..<columns).map { k in parts.reduce(0) { $0 + $1[k] } }
    }
    let total = weights.map { $0.reduce(0, +) } ?? Double(rows)
    let means = sums([Double](repeating: 0, count: columns), power: 1).map { $0 / total }
    let scales = sums(means, power: 2).map { square in
      let deviation = (square / total).squareRoot()
      return deviation > 1e-6 ? deviation : 0
    }
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      for row in stripes[stripe] {
        let z = values + row * columns
        for k in 0..<columns {
          z[k] = scales[k] > 0 ? Float((Double(z[k]) - means[k]) / scales[k]) : 0
        }
      }
    }
    return zip(means, scales).map { ($0, $1) }
  }
}

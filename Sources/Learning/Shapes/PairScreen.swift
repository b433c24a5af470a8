/// Finds the products of two columns that the residuals of a fit still know of.
///
/// The score test of adding z_j z_k to a logistic model, for all pairs at once by matrix products:
///
///     u = Σ r z_j z_k,  v = Σ h z_j² z_k² − (Σ h z_j z_k)² / Σ h,  statistic u²/v
///
/// with r = w (y − p), h = w p (1 − p) (Rao 1948; v is without the part that main columns explain,
/// which makes it too large and the test careful). Only pairs of different sources count. u is of all
/// rows; v, which needs far fewer, of tiles taken by stride where rows are many.
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

  let tiles: DesignTiles<Float>
  /// The source of each column.
  let sources: [Int]
  let threads: Int
  private var rows: FoldedRows { tiles.rows }

  init(_ tiles: DesignTiles<Float>, threads: Int) {
    self.tiles = tiles
    self.threads = threads
    sources = tiles.design.columns.map(\.source)
  }

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
          - Double(sums.products[at]) * Double(sums.products[at]) / sums.sampled
        guard spread > 1e-3 * sums.sampled else { continue }
        let statistic =
          Double(sums.scores[at]) * Double(sums.scores[at]) / spread
          * (sums.sampled / sums.curvature)
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

  /// Row-major, upper triangle by blocks.
  private struct Sums: Sendable {
    /// Σ r z z'.
    var scores: [Float]
    /// Σ h z² z²' and Σ h z z', of the sampled rows.
    var squares: [Float]
    var products: [Float]
    /// Σ h, of all rows and of the sampled.
    var curvature = 0.0
    var sampled = 0.0
  }

  /// Rows that v is made of, about.
  private static let variationRows = 16_384

  private func sums(_ problem: Int, _ predictors: [Double], _ candidates: [Int]) -> Sums {
    let m = candidates.count
    let tiles = rows.stripes.filter { $0.fold != problem }.flatMap(\.tiles)
    let every = max(1, rows.count / Self.variationRows)
    // Few lots, as each holds three matrices.
    let lots = StripedWork.bounds(of: tiles.count, unit: 1, maximum: 4)
    let parts = StripedWork.map(stripes: lots.count, threads: threads) { lot in
      let zeros = [Float](repeating: 0, count: m * m)
      var sums = Sums(scores: zeros, squares: zeros, products: zeros)
      let reader = self.tiles.reader()
      let scratch = ScratchBlock<Float>(count: 5 * FoldedRows.tile * m)
      for k in lots[lot] {
        add(
          tiles[k], reader.read(tiles[k]), predictors, candidates, varies: k % every == 0, scratch,
          to: &sums)
      }
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
      result.sampled += part.sampled
    }
    return result
  }

  private func add(
    _ tile: Int, _ values: UnsafePointer<Float>, _ predictors: [Double], _ candidates: [Int],
    varies: Bool, _ scratch: ScratchBlock<Float>, to sums: inout Sums
  ) {
    let range = rows.tiles[tile]
    let n = range.count
    let m = candidates.count
    let z = scratch.values
    let weighted = z + n * m
    let square = weighted + n * m
    var r: [Float] = []
    var h: [Float] = []
    for row in range {
      let p = SigmoidKernel.sigmoid(predictors[row])
      let w = rows.weights?[row] ?? 1
      r.append(Float(w * (rows.labels[row] - p)))
      h.append(Float(w * p * (1 - p)))
    }
    let curvature = h.reduce(0) { $0 + Double($1) }
    sums.curvature += curvature
    for (k, j) in candidates.enumerated() {
      let from = values + j * n
      for i in 0..<n {
        z[k * n + i] = from[i]
        weighted[k * n + i] = from[i] * r[i]
      }
    }
    multiply(weighted, z, m, n, into: &sums.scores)
    guard varies else { return }
    sums.sampled += curvature
    for k in 0..<m {
      for i in 0..<n { weighted[k * n + i] = z[k * n + i] * h[i] }
    }
    multiply(weighted, z, m, n, into: &sums.products)
    for k in 0..<m {
      for i in 0..<n {
        weighted[k * n + i] *= z[k * n + i]
        square[k * n + i] = z[k * n + i] * z[k * n + i]
      }
    }
    multiply(weighted, square, m, n, into: &sums.squares)
  }

  /// C += A' B of column-major A and B, the blocks on and above the diagonal of a row-major C.
  private func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ m: Int, _ count: Int,
    into c: inout [Float]
  ) {
    c.withUnsafeMutableBufferPointer { c in
      guard let c = c.baseAddress else { return }
      for first in stride(from: 0, to: m, by: 128) {
        // Row-major rows of C are columns of its transpose B' A.
        Float.multiply(
          b + first * count, count, transposed: true, a + first * count, count, beta: 1,
          into: c + first * m + first, m, m: m - first, n: min(128, m - first), k: count)
      }
    }
  }

  // MARK: products

  /// The products of some pairs that vary, ascending, each with its weighted mean and deviation over
  /// all rows. O(rows × pairs).
  func products(of pairs: [Pair]) -> [DesignPair] {
    let stripes = rows.stripes
    let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      let reader = tiles.reader()
      var sums = [SIMD2<Double>](repeating: .zero, count: pairs.count)
      for tile in stripes[stripe].tiles {
        let range = rows.tiles[tile]
        let z = reader.read(tile)
        for (k, pair) in pairs.enumerated() {
          let (a, b) = (z + pair.first * range.count, z + pair.second * range.count)
          var sum = SIMD2<Double>.zero
          for i in 0..<range.count {
            let w = rows.weights?[range.lowerBound + i] ?? 1
            let product = Double(a[i] * b[i])
            sum += SIMD2(w * product, w * product * product)
          }
          sums[k] += sum
        }
      }
      return sums
    }
    let weight = rows.weight(without: rows.folds.count)
    return pairs.indices.compactMap { k in
      let sums = parts.reduce(SIMD2<Double>.zero) { $0 + $1[k] } / weight
      let variance = sums[1] - sums[0] * sums[0]
      guard variance > 1e-12 else { return nil }
      return DesignPair(
        first: pairs[k].first, second: pairs[k].second, mean: sums[0], scale: variance.squareRoot())
    }
  }
}

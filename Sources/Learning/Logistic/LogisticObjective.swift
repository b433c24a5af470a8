/// The mean logistic loss, its gradient and its Hessian, in internal coordinates; no penalty.
///
///     f(θ) = 1/W Σ w_i [softplus(η_i) − y_i η_i],  η_i = offset_i + θ_p + Σ_j θ_j z_ij
///
/// z = (x − center) / scale, the intercept θ_p is last (METHODS 2.1). The raw matrix is read as it
/// lies and centring is algebra: X'r − center Σr, over scale. Only where a column lies so far from
/// zero that the algebra would cost its digits are tiles centred in scratch.
///
/// One pass reads each row once, in tiles that stay in the second-level cache: the product with the
/// coefficients pulls the tile in, the rows' losses follow, then the product with the residuals
/// finds it there. Floor of a pass over n × p float64 values: 8 n p bytes from memory (22 ms for
/// 1,000,000 × 50 at 18 GB/s) against 4 n p flops (6 ms at 34 GFLOP/s of `dgemv` from cache); with
/// the Gram matrix another n p² flops (20 ms at 130 GFLOP/s in float32) and n p conversions.
struct LogisticObjective: Sendable {
  enum Hessian: Sendable, Equatable {
    case none, double
    /// Float32 products, of every `every`-th tile only: its sampling error is about 2 √(p / rows).
    case single(every: Int)
  }

  struct Value: Sendable {
    /// f.
    var loss: Double
    /// ∂f/∂θ, intercept last.
    var gradient: [Double]
    /// ∂²f/∂θ², lower triangle, column-major; where asked for.
    var hessian: [Double]?

    var isFinite: Bool { loss.isFinite && gradient.allSatisfy(\.isFinite) }
  }

  let data: LogisticData
  let center: [Double]
  let scale: [Double]
  /// Whether tiles are centred in scratch, and not by algebra.
  private let isCenteredByTile: Bool

  init(_ data: LogisticData, center: [Double], scale: [Double]) {
    precondition(center.count == data.x.columns && scale.count == data.x.columns)
    self.data = data
    self.center = center
    self.scale = scale
    isCenteredByTile = zip(center, scale).contains { abs($0) > 1e4 * $1 }
  }

  private typealias Lanes = SigmoidKernel.Lanes

  private var columns: Int { data.x.columns }
  /// Rows in a tile: about 400 KB of float64, a multiple of 32, whatever the order and the threads.
  private var tile: Int {
    Swift.max(64, Swift.min(1024, 51_200 / Swift.max(columns, 1) / 32 * 32))
  }

  /// Raw coefficients and intercept of θ.
  func raw(_ theta: [Double]) -> (coefficients: [Double], intercept: Double) {
    var coefficients = [Double](repeating: 0, count: columns)
    var intercept = theta[columns]
    for j in 0..<columns {
      coefficients[j] = theta[j] / scale[j]
      intercept -= coefficients[j] * center[j]
    }
    return (coefficients, intercept)
  }

  /// f, its gradient and, where asked for, its Hessian at θ. In `single` the Gram matrix is float32
  /// over centred, scaled tiles, summed in float64; the gradient never is.
  ///
  /// The Gram matrices of all stripes take 64 MB at most, or 8 of them where that is more.
  func value(at theta: [Double], hessian: Hessian) -> Value {
    precondition(theta.count == columns + 1)
    var (coefficients, intercept) = raw(theta)
    if isCenteredByTile { intercept = theta[columns] }
    // What algebra has to centre of a tile's values.
    let left = isCenteredByTile ? [Double](repeating: 0, count: columns) : center
    let inverseScale = scale.map { 1 / $0 }
    let most = hessian == .none ? 64 : (1 << 26) / (8 * (columns + 1) * (columns + 1))
    let stripes = StripedWork.bounds(
      of: data.rows, unit: tile, maximum: Swift.max(8, Swift.min(64, most)))
    let parts = StripedWork.map(stripes: stripes.count, threads: data.threads) {
      [coefficients, intercept] stripe in
      var sums = StripeSums(columns: columns, hessian: hessian != .none)
      var every = 1
      switch hessian {
      case .none:
        pass(stripes[stripe], coefficients, intercept, gramEvery: every, into: &sums, gram: nil)
      case .single(let tiles):
        every = tiles
        var gram = GramTile<Float>(columns: columns, tile: tile, order: data.x.order)
        pass(stripes[stripe], coefficients, intercept, gramEvery: every, into: &sums) {
          gram.add($0, center: left, inverseScale: inverseScale, root: $1, into: &$2)
        }
        gram.finish(into: &sums.gram)
      case .double:
        var gram = GramTile<Double>(columns: columns, tile: tile, order: data.x.order)
        pass(stripes[stripe], coefficients, intercept, gramEvery: every, into: &sums) {
          gram.add($0, center: left, inverseScale: inverseScale, root: $1, into: &$2)
        }
        gram.finish(into: &sums.gram)
      }
      return sums
    }
    return value(parts, left, hessian)
  }

  /// Joins the stripes in their order.
  private func value(_ parts: [StripeSums], _ left: [Double], _ hessian: Hessian) -> Value {
    let p = columns
    var loss = 0.0
    var residual = 0.0
    var gradient = [Double](repeating: 0, count: p + 1)
    var gram = [Double](repeating: 0, count: hessian == .none ? 0 : (p + 1) * (p + 1))
    var gramWeight = 0.0
    for part in parts {
      loss += part.loss
      gramWeight += part.gramWeight
      residual += part.residual
      for j in 0..<p { gradient[j] += part.gradient[j] }
      for k in gram.indices { gram[k] += part.gram[k] }
    }
    for j in 0..<p {
      gradient[j] = (gradient[j] - left[j] * residual) / scale[j] / data.weightSum
    }
    gradient[p] = residual / data.weightSum
    // No weight in those tiles: all zeros, which the solver takes for too coarse.
    for k in gram.indices { gram[k] /= gramWeight > 0 ? gramWeight : 1 }
    return Value(
      loss: loss / data.weightSum, gradient: gradient, hessian: hessian == .none ? nil : gram)
  }

  private func pass(
    _ range: Range<Int>, _ coefficients: [Double], _ intercept: Double, gramEvery: Int,
    into sums: inout StripeSums,
    gram: ((BLAS.Rows, UnsafePointer<Double>, inout [Double]) -> Void)?
  ) {
    // eta (then residuals), labels, weights, roots of the curvatures.
    let scratch = UnsafeMutablePointer<Double>.allocate(capacity: 4 * tile)
    defer { scratch.deallocate() }
    let eta = scratch
    let y = scratch + tile
    let w = scratch + 2 * tile
    let root = scratch + 3 * tile
    let tiles = TileReader(data.x, data.sample, tile: tile, minus: isCenteredByTile ? center : nil)
    var start = range.lowerBound
    while start < range.upperBound {
      let rows = start..<Swift.min(start + tile, range.upperBound)
      let count = rows.count
      let padded = (count + 3) / 4 * 4
      data.sample.copy(data.labels, rows, to: y)
      if let weights = data.weights {
        data.sample.copy(weights, rows, to: w)
      } else {
        w.update(repeating: 1, count: count)
      }
      if let offsets = data.offsets {
        data.sample.copy(offsets, rows, to: eta)
        for i in 0..<count { eta[i] += intercept }
        for i in count..<padded { eta[i] = intercept }
      } else {
        eta.update(repeating: intercept, count: padded)
      }
      for i in count..<padded {
        y[i] = 0
        w[i] = 0
      }
      let block = tiles.read(rows)
      if let block {
        coefficients.withUnsafeBufferPointer {
          BLAS.accumulate(rows: block, times: $0.baseAddress!, into: eta)
        }
      }
      // While the losses are computed, memory brings the next tile.
      let end = rows.upperBound
      var prefetch = BLAS.Prefetch(
        tiles.isDirect
          ? BLAS.Rows(data.x, end..<Swift.min(end + tile, range.upperBound)) : nil)
      let inGram = gram != nil && start / tile % gramEvery == 0
      losses(
        padded, eta: eta, y: y, w: w, root: inGram ? root : nil, prefetch: &prefetch, into: &sums)
      if let block {
        sums.gradient.withUnsafeMutableBufferPointer {
          BLAS.accumulate(transposed: block, times: eta, into: $0.baseAddress!)
        }
        if inGram {
          gram?(block, root, &sums.gram)
          for i in 0..<count { sums.gramWeight += w[i] }
        }
      }
      start = rows.upperBound
    }
  }

  /// Turns `eta` into residuals and adds up the losses; `root` gets √(curvature), floored at 1e-10
  /// of the weight so that saturated rows keep the Gram matrix regular.
  private func losses(
    _ count: Int, eta: UnsafeMutablePointer<Double>, y: UnsafePointer<Double>,
    w: UnsafePointer<Double>, root: UnsafeMutablePointer<Double>?,
    prefetch: inout BLAS.Prefetch, into sums: inout StripeSums
  ) {
    let lines = (Lanes.scalarCount * columns + 7) / 8
    var loss = Lanes(repeating: 0)
    var residuals = Lanes(repeating: 0)
    for i in stride(from: 0, to: count, by: Lanes.scalarCount) {
      prefetch.advance(lines: lines)
      let at = UnsafeMutableRawPointer(eta + i)
      let weight = UnsafeRawPointer(w + i).loadUnaligned(as: Lanes.self)
      let row = SigmoidKernel.rows(
        eta: at.loadUnaligned(as: Lanes.self),
        label: UnsafeRawPointer(y + i).loadUnaligned(as: Lanes.self), weight: weight)
      loss += row.loss
      residuals += row.residual
      at.storeBytes(of: row.residual, as: Lanes.self)
      guard let root else { continue }
      let floored = weight * 1e-10
      let curvature = row.curvature.replacing(with: floored, where: row.curvature .< floored)
      UnsafeMutableRawPointer(root + i).storeBytes(of: curvature.squareRoot(), as: Lanes.self)
    }
    sums.loss += loss.sum()
    sums.residual += residuals.sum()
  }
}

/// What a stripe contributes: sums, not means.
private struct StripeSums: Sendable {
  var loss = 0.0
  var residual = 0.0
  /// X'r of the raw columns.
  var gradient: [Double]
  /// Σ h z z' with z = 1 for the intercept, last; lower triangle, column-major.
  var gram: [Double]
  /// Σ w of the rows in `gram`.
  var gramWeight = 0.0

  init(columns: Int, hessian: Bool) {
    gradient = [Double](repeating: 0, count: columns)
    gram = [Double](repeating: 0, count: hessian ? (columns + 1) * (columns + 1) : 0)
  }
}

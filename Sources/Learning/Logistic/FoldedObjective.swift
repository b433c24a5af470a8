/// The mean logistic losses of K + 1 models at once: model k < K trains on all rows but those of
/// fold k, model K on all.
///
///     L_k(θ) = 1/W_k Σ_{i not in fold k} w_i [softplus(η_i) − y_i η_i],
///     η_i = offset_i + θ_p + Σ_j θ_j (x_ij − center_j) / scale_j
///
/// Coordinates are those of `LogisticObjective`, shared by all models; the intercept is last. One
/// pass reads each tile of rows once: one matrix product makes every model's predictors, one more
/// every gradient, and a row left out of a model has no residual in it but adds to its held-out loss.
/// Floor of a pass for m models: 8 n p bytes and 4 n p m flops, with n m sigmoids.
struct FoldedObjective: Sendable {
  /// Of one model at one point.
  struct Value: Sendable {
    /// ∂L_k/∂θ.
    var gradient: [Double]
    /// Σ w loss over the fold's own rows; 0 for the model of all rows.
    var heldOutLoss: Double
  }

  let data: LogisticData
  /// The fold of each row; empty where K = 0.
  let folds: [Int32]
  let foldCount: Int
  /// W_k, K + 1 of them.
  let trainingWeights: [Double]
  let center: [Double]
  let scale: [Double]
  /// Whether tiles are centred in scratch, and not by algebra: columns so far from 0 against their
  /// spread that the algebra would cost their digits.
  private let isCenteredByTile: Bool

  init(
    _ data: LogisticData, folds: [Int32], foldCount: Int, trainingWeights: [Double],
    center: [Double], scale: [Double]
  ) {
    self.data = data
    self.folds = folds
    self.foldCount = foldCount
    self.trainingWeights = trainingWeights
    self.center = center
    self.scale = scale
    isCenteredByTile = center.indices.contains { abs(center[$0]) > 1e4 * scale[$0] }
  }

  var columns: Int { data.x.columns }
  /// Coefficients and intercept.
  var size: Int { columns + 1 }
  /// The model of all rows.
  var full: Int { foldCount }

  /// Rows in a tile for `count` models: values and predictors stay in the second-level cache.
  private func tile(_ count: Int) -> Int {
    max(64, min(768, 40_000 / (columns + 2 * count) / 8 * 8))
  }

  private func reader(_ tile: Int) -> TileReader {
    TileReader(data.x, .all, tile: tile, minus: isCenteredByTile ? center : nil)
  }

  /// Gradients and held-out losses of `models`, each at its own θ. O(rows × columns × models).
  func values(of models: [Int], at thetas: [[Double]]) -> [Value] {
    let slots = slots(of: models)
    let points = Points(self, thetas)
    let tile = tile(points.width)
    let stripes = StripedWork.bounds(of: data.x.rows, unit: tile)
    let empty = StripeSums(
      order: data.x.order, columns: columns, width: points.width, folds: foldCount)
    let shift = isCenteredByTile ? [Double](repeating: 0, count: columns) : center
    let parts = StripedWork.map(stripes: stripes.count, threads: data.threads) { stripe in
      var sums = empty
      pass(stripes[stripe], points, slots, tile: tile, into: &sums)
      return sums
    }
    var total = empty
    for part in parts { total.add(part) }
    return models.enumerated().map { slot, model in
      let weight = trainingWeights[model]
      let residual = total.residuals[slot]
      var gradient = (0..<columns).map { j in
        (total.gradient(slot, j) - shift[j] * residual) / scale[j] / weight
      }
      gradient.append(residual / weight)
      return Value(
        gradient: gradient, heldOutLoss: model < foldCount ? total.heldOut[model] : 0)
    }
  }

  /// Σ w loss over all rows, at each θ. O(rows × columns × thetas).
  func losses(at thetas: [[Double]]) -> [Double] {
    let points = Points(self, thetas)
    let parts = tilesMapped(points) { rows, scratch, sums in
      if sums.isEmpty { sums = [Double](repeating: 0, count: points.width) }
      scratch.addLosses(rows.count, to: &sums)
    }
    return thetas.indices.map { slot in parts.reduce(0) { $0 + $1[slot] } }
  }

  /// Every row's logit (without its offset) by the model of its own fold; K θs.
  /// O(rows × columns × K).
  func outOfFoldLogits(at thetas: [[Double]]) -> [Double] {
    precondition(thetas.count == foldCount)
    let points = Points(self, thetas)
    let parts = tilesMapped(points) { rows, scratch, logits in
      for (k, i) in rows.enumerated() {
        logits.append(
          scratch.eta[k * points.width + Int(folds[i])] - (data.offsets?[i] ?? 0))
      }
    }
    return Array(parts.joined())
  }

  /// What `body` makes of every tile's predictors, a result a stripe.
  private func tilesMapped(
    _ points: Points, _ body: @Sendable (Range<Int>, inout TileRows, inout [Double]) -> Void
  ) -> [[Double]] {
    let tile = tile(points.width)
    let stripes = StripedWork.bounds(of: data.x.rows, unit: tile)
    return StripedWork.map(stripes: stripes.count, threads: data.threads) { stripe in
      var result: [Double] = []
      var scratch = TileRows(tile: tile, width: points.width)
      let reader = reader(tile)
      for rows in Self.tiles(stripes[stripe], tile) {
        scratch.load(data, rows, reader.read(rows), points)
        body(rows, &scratch, &result)
      }
      return result
    }
  }

  private static func tiles(_ range: Range<Int>, _ tile: Int) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: tile).map {
      $0..<min($0 + tile, range.upperBound)
    }
  }

  /// The place of each fold's model among `models`, −1 where it is not there.
  private func slots(of models: [Int]) -> [Int] {
    var slots = [Int](repeating: -1, count: foldCount)
    for (slot, model) in models.enumerated() where model < foldCount { slots[model] = slot }
    return slots
  }

  /// Coefficients of several models side by side, on the columns as tiles hold them.
  fileprivate struct Points: Sendable {
    /// Models, rounded up to fours where there are several: matrix products like it.
    let width: Int
    /// width × columns, column-major: the models' coefficients of a column lie together.
    var coefficients: [Double]
    var intercepts: [Double]

    init(_ objective: FoldedObjective, _ thetas: [[Double]]) {
      let p = objective.columns
      width = thetas.count == 1 ? 1 : (thetas.count + 3) / 4 * 4
      coefficients = [Double](repeating: 0, count: width * p)
      intercepts = [Double](repeating: 0, count: width)
      for (slot, theta) in thetas.enumerated() {
        intercepts[slot] = theta[p]
        for j in 0..<p {
          let b = theta[j] / objective.scale[j]
          coefficients[j * width + slot] = b
          if !objective.isCenteredByTile { intercepts[slot] -= b * objective.center[j] }
        }
      }
    }
  }

  private func pass(
    _ range: Range<Int>, _ points: Points, _ slots: [Int], tile: Int, into sums: inout StripeSums
  ) {
    var scratch = TileRows(tile: tile, width: points.width)
    let reader = reader(tile)
    let isHeldOutNeeded = slots.contains { $0 >= 0 }
    for rows in Self.tiles(range, tile) {
      let block = reader.read(rows)
      scratch.load(data, rows, block, points)
      if isHeldOutNeeded {
        scratch.addHeldOutLosses(folds, rows, slots, to: &sums.heldOut)
      }
      // While the residuals are computed, memory brings the next tile.
      let next = rows.upperBound..<min(rows.upperBound + tile, range.upperBound)
      var prefetch = BLAS.Prefetch(reader.isDirect ? BLAS.Rows(data.x, next) : nil)
      scratch.makeResiduals(rows.count, columns: columns, prefetch: &prefetch)
      if isHeldOutNeeded { scratch.leaveOut(folds, rows, slots) }
      scratch.addResiduals(rows.count, to: &sums.residuals)
      guard let block else { continue }
      sums.gradients.withUnsafeMutableBufferPointer {
        guard let target = $0.baseAddress else { return }
        BLAS.accumulate(
          transposed: block, times: scratch.eta, count: points.width, into: target)
      }
    }
  }
}

/// What a stripe contributes: sums, not means.
private struct StripeSums: Sendable {
  let order: Matrix.Order
  let columns: Int
  let width: Int
  /// X'r of the columns as tiles hold them: columns × models, column-major, or row-major where the
  /// matrix is column-major, as its product comes.
  var gradients: [Double]
  var residuals: [Double]
  /// A value a fold.
  var heldOut: [Double]

  init(order: Matrix.Order, columns: Int, width: Int, folds: Int) {
    self.order = order
    self.columns = columns
    self.width = width
    gradients = [Double](repeating: 0, count: columns * width)
    residuals = [Double](repeating: 0, count: width)
    heldOut = [Double](repeating: 0, count: folds)
  }

  func gradient(_ slot: Int, _ column: Int) -> Double {
    gradients[order == .rowMajor ? slot * columns + column : column * width + slot]
  }

  mutating func add(_ other: StripeSums) {
    for k in gradients.indices { gradients[k] += other.gradients[k] }
    for k in residuals.indices { residuals[k] += other.residuals[k] }
    for k in heldOut.indices { heldOut[k] += other.heldOut[k] }
  }
}

/// One tile of rows: every model's predictors, turned in place into residuals.
private struct TileRows: ~Copyable {
  private typealias Lanes = SigmoidKernel.Lanes

  private let tile: Int
  private let width: Int
  /// A row's predictors lie together: width × tile, column-major.
  let eta: UnsafeMutablePointer<Double>
  private let y: UnsafeMutablePointer<Double>
  private let w: UnsafeMutablePointer<Double>
  /// One value a row.
  private let single: UnsafeMutablePointer<Double>

  init(tile: Int, width: Int) {
    self.tile = tile
    self.width = width
    let count = (tile + 2) * (width + 3)
    eta = .allocate(capacity: count)
    eta.initialize(repeating: 0, count: count)
    y = eta + (tile + 2) * width
    w = y + (tile + 2)
    single = w + (tile + 2)
  }

  deinit { eta.deallocate() }

  /// Labels, weights and every model's predictors of `rows`. O(rows × columns × width).
  mutating func load(
    _ data: LogisticData, _ rows: Range<Int>, _ block: BLAS.Rows?,
    _ points: FoldedObjective.Points
  ) {
    let count = rows.count
    precondition(count <= tile && points.width == width)
    data.labels.withUnsafeBufferPointer {
      y.update(from: $0.baseAddress! + rows.lowerBound, count: count)
    }
    if let weights = data.weights {
      weights.withUnsafeBufferPointer {
        w.update(from: $0.baseAddress! + rows.lowerBound, count: count)
      }
    } else {
      w.update(repeating: 1, count: count)
    }
    // A row more, for who goes two by two.
    y[count] = 0
    w[count] = 0
    points.intercepts.withUnsafeBufferPointer { intercepts in
      for i in 0...count {
        (eta + i * width).update(from: intercepts.baseAddress!, count: width)
      }
    }
    if let offsets = data.offsets {
      for i in 0..<count {
        for slot in 0..<width { eta[i * width + slot] += offsets[rows.lowerBound + i] }
      }
    }
    guard let block else { return }
    points.coefficients.withUnsafeBufferPointer {
      guard let b = $0.baseAddress else { return }
      BLAS.accumulate(rows: block, times: b, count: width, into: eta)
    }
  }

  /// Adds the losses of rows left out of their fold's model to that fold's.
  mutating func addHeldOutLosses(
    _ folds: [Int32], _ rows: Range<Int>, _ slots: [Int], to sums: inout [Double]
  ) {
    let count = rows.count
    for i in 0..<count {
      let slot = slots[Int(folds[rows.lowerBound + i])]
      single[i] = slot < 0 ? 0 : eta[i * width + slot]
    }
    single[count] = 0
    for i in stride(from: 0, to: count, by: 2) {
      let row = SigmoidKernel.rows(
        eta: lanes(single + i), label: lanes(y + i), weight: lanes(w + i))
      UnsafeMutableRawPointer(single + i).storeBytes(of: row.loss, as: Lanes.self)
    }
    for i in 0..<count {
      let fold = Int(folds[rows.lowerBound + i])
      if slots[fold] >= 0 { sums[fold] += single[i] }
    }
  }

  /// Sets residuals to 0 in the models that left their rows out.
  mutating func leaveOut(_ folds: [Int32], _ rows: Range<Int>, _ slots: [Int]) {
    for i in 0..<rows.count {
      let slot = slots[Int(folds[rows.lowerBound + i])]
      if slot >= 0 { eta[i * width + slot] = 0 }
    }
  }

  /// Turns predictors into residuals w (p − y).
  mutating func makeResiduals(_ count: Int, columns: Int, prefetch: inout BLAS.Prefetch) {
    let lines = (columns + 7) / 8
    for i in stride(from: 0, to: count, by: 2) {
      prefetch.advance(lines: 2 * lines)
      if width == 1 {
        residuals(eta + i, label: lanes(y + i), weight: lanes(w + i))
        continue
      }
      for row in i..<(i + 2) {
        let label = Lanes(repeating: y[row])
        let weight = Lanes(repeating: w[row])
        for slot in stride(from: 0, to: width, by: 2) {
          residuals(eta + row * width + slot, label: label, weight: weight)
        }
      }
    }
  }

  @inline(__always)
  private func residuals(_ at: UnsafeMutablePointer<Double>, label: Lanes, weight: Lanes) {
    UnsafeMutableRawPointer(at).storeBytes(
      of: SigmoidKernel.residuals(eta: lanes(at), label: label, weight: weight), as: Lanes.self)
  }

  /// Adds every model's residuals up.
  func addResiduals(_ count: Int, to sums: inout [Double]) {
    sums.withUnsafeMutableBufferPointer { sums in
      for i in 0..<count {
        for slot in 0..<width { sums[slot] += eta[i * width + slot] }
      }
    }
  }

  /// Adds every model's Σ w loss of the tile.
  func addLosses(_ count: Int, to sums: inout [Double]) {
    if width == 1 {
      var sum = Lanes(repeating: 0)
      for i in stride(from: 0, to: count, by: 2) {
        sum +=
          SigmoidKernel.rows(
            eta: lanes(eta + i), label: lanes(y + i), weight: lanes(w + i)
          ).loss
      }
      sums[0] += sum.sum()
      return
    }
    for slot in stride(from: 0, to: width, by: 2) {
      var sum = Lanes(repeating: 0)
      for i in 0..<count {
        sum +=
          SigmoidKernel.rows(
            eta: lanes(eta + i * width + slot), label: Lanes(repeating: y[i]),
            weight: Lanes(repeating: w[i])
          ).loss
      }
      sums[slot] += sum[0]
      sums[slot + 1] += sum[1]
    }
  }

  @inline(__always)
  private func lanes(_ pointer: UnsafeMutablePointer<Double>) -> Lanes {
    UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
  }
}

extension SigmoidKernel {
  /// The residual of `rows` alone, weight (sigmoid(eta) − label), for less: one division. With
  /// exp(−|eta|) = 2ⁿ (Q + R)/(Q − R), the Cephes form of `expNonPositive` before its division,
  /// sigmoid(−|eta|) = 2ⁿ (Q + R) / (Q − R + 2ⁿ (Q + R)).
  @inline(__always)
  static func residuals(eta: Lanes, label: Lanes, weight: Lanes) -> Lanes {
    let positive = eta .>= Lanes(repeating: 0)
    let x = eta.replacing(with: Lanes(repeating: 0) - eta, where: positive)
    let least = Lanes(repeating: -708)
    let clamped = x.replacing(with: least, where: x .< least)
    let magic = Lanes(repeating: 0x1.8p52)
    let shifted = clamped * Lanes(repeating: 1.4426950408889634) + magic
    let n = shifted - magic
    let r =
      (clamped - n * Lanes(repeating: 6.93145751953125e-1))
      - n * Lanes(repeating: 1.42860682030941723212e-6)
    let z = r * r
    var p = z * Lanes(repeating: 1.26177193074810590878e-4)
    p = p + Lanes(repeating: 3.02994407707441961300e-2)
    p = (p * z + Lanes(repeating: 9.99999999999999999910e-1)) * r
    var q = z * Lanes(repeating: 3.00198505138664455042e-6)
    q = q + Lanes(repeating: 2.52448340349684104192e-3)
    q = q * z + Lanes(repeating: 2.27265548208155028766e-1)
    q = q * z + Lanes(repeating: 2.0)
    let bits =
      (unsafeBitCast(shifted, to: SIMD2<Int64>.self) &+ SIMD2(repeating: 1023))
      &<< SIMD2(repeating: 52)
    let small = (q + p) * unsafeBitCast(bits, to: Lanes.self)
    let large = q - p
    let probability = small.replacing(with: large, where: positive) / (small + large)
    return weight * (probability - label)
  }
}

import Foundation

/// Firth's penalised likelihood on standardised columns (METHODS 2.6):
///
///     l*(θ) = Σ w_i [y_i η_i − softplus(η_i)] + ½ log det I(θ),   I = Z' diag(v) Z,
///     U*(θ) = Σ [w_i (y_i − p_i) + h_i (½ − p_i)] z_i,            v_i = w_i p_i (1 − p_i)
///
/// h_i = v_i z_i' I⁻¹ z_i: how far a row decides its own prediction. log det is that of the raw
/// columns, so that l* is what others report. Source: Firth 1993, doi:10.1093/biomet/80.1.27; Heinze
/// & Schemper 2002, doi:10.1002/sim.1047.
struct FirthObjective: Sendable {
  let data: LogisticData
  let rows: CenteredRows
  let center: [Double]
  let scale: [Double]

  /// l* and the inverse information at a point.
  struct Point: Sendable {
    let theta: [Double]
    let likelihood: Double
    /// I⁻¹, full, symmetric.
    let covariance: [Double]
  }

  var size: Int { center.count + 1 }

  /// Throws as `ColumnStatistics`; a constant column is `rankDeficient`.
  init(_ data: LogisticData) throws(LearningError) {
    let statistics = try ColumnStatistics(of: data)
    let constant = statistics.deviations.indices.filter { statistics.deviations[$0] == 0 }
    guard constant.isEmpty else {
      throw .rankDeficient(
        aliases: constant.map { .init(column: $0, dependsOn: []) }, columns: data.x.columns)
    }
    self.data = data
    center = statistics.means
    scale = statistics.deviations
    rows = CenteredRows(data.x, center: center, scale: scale)
  }

  /// l* at θ; nil where rows are so saturated, or columns so dependent, that I cannot be inverted.
  /// O(rows × columns²).
  func point(_ theta: [Double]) -> Point? {
    let width = size
    let sums = tiled(size: width * width + 1) { z, range, sums in
      var loss = 0.0
      for (i, row) in range.enumerated() {
        let (eta, w) = predictor(row, z + i * width, theta)
        let p = SigmoidKernel.sigmoid(eta)
        loss += w * (SigmoidKernel.softplus(eta) - data.labels[row] * eta)
        let root = (w * p * (1 - p)).squareRoot()
        for k in 0..<width { z[i * width + k] *= root }
      }
      sums[width * width] += loss
      BLAS.addGram(z, count: range.count, columns: width, into: sums)
    }
    let factor = Cholesky(Array(sums.dropLast()), size: width)
    let loss = sums[width * width]
    guard loss.isFinite, factor.leastPivot > 1e-13 else { return nil }
    var logDeterminant = 0.0
    for j in 0..<width {
      logDeterminant += 2 * log(factor.factor[j * width + j])
      if j < width - 1 { logDeterminant += 2 * log(scale[j]) }
    }
    return Point(
      theta: theta, likelihood: -loss + 0.5 * logDeterminant, covariance: factor.inverse())
  }

  /// U*, and the factor of Z' diag(v + h p (1 − p)) Z: the curvature were h fixed, as in the data with
  /// every row also there h/2 times with each label. O(rows × columns²).
  func score(_ point: Point) -> (score: [Double], curvature: Cholesky)? {
    let width = size
    let square = width * width
    let sums = tiled(size: square + width, spare: rows.tile * width) { z, range, sums in
      let product = z + rows.tile * width
      BLAS.multiply(
        z, rows: range.count, transposed: point.covariance, count: width, columns: width,
        into: product)
      for (i, row) in range.enumerated() {
        let zi = z + i * width
        let (eta, w) = predictor(row, zi, point.theta)
        let p = SigmoidKernel.sigmoid(eta)
        var leverage = 0.0
        for k in 0..<width { leverage += zi[k] * product[i * width + k] }
        leverage *= w * p * (1 - p)
        let residual = w * (data.labels[row] - p) + leverage * (0.5 - p)
        let root = ((w + leverage) * p * (1 - p)).squareRoot()
        for k in 0..<width {
          sums[square + k] += residual * zi[k]
          zi[k] *= root
        }
      }
      BLAS.addGram(z, count: range.count, columns: width, into: sums)
    }
    let factor = Cholesky(Array(sums[..<square]), size: width)
    guard factor.leastPivot > 1e-13 else { return nil }
    return (Array(sums[square...]), factor)
  }

  @inline(__always)
  private func predictor(
    _ row: Int, _ z: UnsafePointer<Double>, _ theta: [Double]
  ) -> (eta: Double, weight: Double) {
    var eta = data.offsets?[row] ?? 0
    for k in 0..<size { eta += z[k] * theta[k] }
    return (eta, data.weights?[row] ?? 1)
  }

  private func tiled(size: Int, spare: Int = 0, body: CenteredRows.TileBody) -> [Double] {
    rows.total(
      of: rows.rows, size: size, spare: spare, threads: data.threads, fill: rows.write, body: body)
  }
}

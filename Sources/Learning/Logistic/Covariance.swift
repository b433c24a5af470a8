extension LogisticFit {
  /// The covariance (H + L)⁻¹ of (coefficients, intercept), the intercept last: V_B of METHODS 2.7,
  /// unnormalised by W, in the penalised coordinates (standardised ones if the fit standardised,
  /// with columns centred at `means`; raw ones otherwise).
  ///
  /// One pass in float64 over the rows of the fit. Throws as `fitLogistic`. Row by row, full and
  /// symmetric. O(rows × columns²).
  package func covariance(
    _ data: LogisticData
  ) throws(LearningError) -> Matrix {
    let x = data.x
    guard x.columns == coefficients.count else {
      throw .sizeMismatch(
        what: "columns of the matrix", expected: coefficients.count, got: x.columns)
    }
    let statistics = try ColumnStatistics(of: data)
    let p = x.columns
    let center = statistics.means
    let scale = statistics.units
    let unit = isStandardised ? scales : [Double](repeating: 1, count: p)
    let reference = isStandardised ? means : [Double](repeating: 0, count: p)
    let objective = LogisticObjective(data, center: center, scale: scale)
    var theta = (0..<p).map { coefficients[$0] * scale[$0] }
    theta.append((0..<p).reduce(intercept) { $0 + coefficients[$1] * center[$1] })
    let value = objective.value(at: theta, hessian: .double)
    guard value.isFinite, var hessian = value.hessian else { throw x.firstNonFinite() }
    let terms = penalty.inCoordinates(ratio: (0..<p).map { unit[$0] / scale[$0] })
    for j in 0..<p { hessian[j * (p + 1) + j] += terms.l2[j] }
    let factor = Cholesky(hessian, size: p + 1)
    guard factor.leastPivot > 1e-14 else {
      throw .rankDeficient(
        aliases: Aliases(hessian, size: p + 1).found.map {
          .init(column: $0.column, dependsOn: $0.dependsOn)
        }, columns: p)
    }
    // From internal coordinates θ to penalised ones β: β_j = θ_j unit_j / scale_j, and the intercept
    // moves by Σ θ_j (reference_j − center_j) / scale_j.
    let inner = factor.inverse()
    let size = p + 1
    var map = [Double](repeating: 0, count: size * size)
    for j in 0..<p {
      map[j * size + j] = unit[j] / scale[j]
      map[p * size + j] = (reference[j] - center[j]) / scale[j]
    }
    map[p * size + p] = 1
    func product(_ a: (Int, Int) -> Double, _ b: (Int, Int) -> Double) -> [Double] {
      var result = [Double](repeating: 0, count: size * size)
      for i in 0..<size {
        for k in 0..<size {
          let factor = a(i, k)
          if factor != 0 { for j in 0..<size { result[i * size + j] += factor * b(k, j) } }
        }
      }
      return result
    }
    let half = product({ map[$0 * size + $1] }, { inner[$0 * size + $1] })
    let full = product({ half[$0 * size + $1] }, { map[$1 * size + $0] })
    return try Matrix(
      rows: size, columns: size, elements: full.map { $0 / data.weightSum })
  }
}

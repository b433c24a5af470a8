/// How the covariance of a fit's parameters is estimated (METHODS 2.7). H is the Hessian of the
/// summed loss, L the penalty's, s_i = w_i (y_i − p_i) (x_i, 1) a row's score.
package enum CovarianceKind: Sendable, Equatable {
  /// (H + L)⁻¹: trusts the model; with a penalty the Bayesian one, whose score intervals cover
  /// better (Marra & Wood 2012, doi:10.1111/j.1467-9469.2011.00760.x).
  case model
  /// (H + L)⁻¹ H (H + L)⁻¹: the model's sampling variance of the penalised estimate. Without a
  /// penalty the same as `model`.
  case frequentist
  /// (H + L)⁻¹ (Σ s s') (H + L)⁻¹: holds where the model's variance does not (HC0; White 1982,
  /// doi:10.2307/1912526). `corrected`: times n / (n − k), HC1.
  case robust(corrected: Bool)
  /// The same with scores summed within groups first, for rows that are not independent: `by` holds
  /// a code a row (CR0; Liang & Zeger 1986, doi:10.1093/biomet/73.1.13). `corrected`: times
  /// G/(G − 1) · (n − 1)/(n − k), as Stata and statsmodels.
  ///
  /// n counts rows of positive weight, G groups that have one, k the parameters. A weight multiplies
  /// a row's score, as an importance does: a row of weight 2 is two copies within one group.
  case clustered(by: [Int], corrected: Bool)
}

/// The covariance of a fit's coefficients and, last, its intercept.
///
/// Held about columns centred at their means and scaled by their deviations, where it keeps its
/// digits, and expressed in other units on demand.
package struct ParameterCovariance: Sendable, Equatable {
  /// Weighted means and deviations (1 for a constant column) of the columns.
  let center: [Double]
  let scale: [Double]
  /// Full, symmetric, (p + 1)².
  let elements: [Double]

  /// Columns, the intercept apart.
  package var columns: Int { center.count }
  private var size: Int { center.count + 1 }

  /// On the raw columns, unnormalised. O(columns²).
  package func raw() -> Matrix {
    expressed(
      center: [Double](repeating: 0, count: center.count),
      scale: [Double](repeating: 1, count: center.count))
  }

  /// On the standardised columns (weighted mean 0, deviation 1), the intercept at their means.
  package func standardised() -> Matrix {
    Matrix(rows: size, columns: size) { span in
      for k in elements.indices { span[k] = elements[k] }
    }
  }

  /// For columns (x − center) / scale: β_j = θ_j scale_j / ours, and the intercept moves by
  /// Σ θ_j (center_j − ours) / ours.
  func expressed(center: [Double], scale: [Double]) -> Matrix {
    let p = self.center.count
    let factor = (0..<p).map { scale[$0] / self.scale[$0] } + [1]
    let shift = (0..<p).map { (center[$0] - self.center[$0]) / self.scale[$0] } + [1]
    // V shift: what the last row of the map makes of V.
    let moved = (0...p).map { i in
      (0...p).reduce(0.0) { $0 + elements[i * size + $1] * shift[$1] }
    }
    return Matrix(rows: size, columns: size) { span in
      for i in 0..<p {
        for j in 0..<p { span[i * size + j] = factor[i] * elements[i * size + j] * factor[j] }
        span[i * size + p] = factor[i] * moved[i]
        span[p * size + i] = factor[i] * moved[i]
      }
      span[p * size + p] = (0...p).reduce(0) { $0 + shift[$1] * moved[$1] }
    }
  }

  /// (x, 1) V (x, 1)' of raw rows (all, or those of a range): the variances of their linear
  /// predictors, by one matrix product a tile. Throws `sizeMismatch`, `nonFiniteInput`.
  /// O(rows × columns²).
  package func variances(
    of x: Matrix, rows range: Range<Int>? = nil, threads: Int
  ) throws(LearningError) -> [Double] {
    guard x.columns == center.count else {
      throw .sizeMismatch(
        what: "columns of the matrix", expected: center.count, got: x.columns)
    }
    let rows = CenteredRows(x, center: center, scale: scale)
    let range = range ?? 0..<x.rows
    let variances = rows.quadraticForms(elements, rows: range, threads: threads)
    guard variances.allSatisfy(\.isFinite) else { throw x.firstNonFinite(in: range) }
    return variances
  }
}

extension CenteredRows {
  /// z V z' of some rows, V being symmetric. O(rows × columns²).
  func quadraticForms(_ v: [Double], rows: Range<Int>, threads: Int) -> [Double] {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= self.rows)
    let width = self.width
    let tile = self.tile
    let stripes = StripedWork.bounds(of: rows.count, unit: tile)
    let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      let z = UnsafeMutablePointer<Double>.allocate(capacity: 2 * tile * width)
      defer { z.deallocate() }
      let product = z + tile * width
      return stride(from: stripes[stripe].lowerBound, to: stripes[stripe].upperBound, by: tile)
        .flatMap { start in
          let range = start..<min(start + tile, stripes[stripe].upperBound)
          write(rows.lowerBound + range.lowerBound..<rows.lowerBound + range.upperBound, to: z)
          BLAS.multiply(
            z, rows: range.count, transposed: v, count: width, columns: width, into: product)
          return (0..<range.count).map { i in
            var sum = 0.0
            for k in (i * width)..<((i + 1) * width) { sum += z[k] * product[k] }
            return sum
          }
        }
    }
    return Array(parts.joined())
  }
}

extension LogisticFit {
  /// The covariance of (coefficients, intercept), the intercept last, in the penalised coordinates
  /// (standardised ones if the fit standardised, raw ones otherwise), unnormalised by W.
  ///
  /// As `parameterCovariance`. O(rows × columns²).
  package func covariance(
    _ data: LogisticData, _ kind: CovarianceKind = .model
  ) throws(LearningError) -> Matrix {
    let covariance = try parameterCovariance(data, kind)
    return isStandardised
      ? covariance.expressed(center: means, scale: scales) : covariance.raw()
  }

  /// The covariance by the rows of the fit, in float64, the same bits with any number of threads.
  ///
  /// Where the penalty selects (L1, sides of zero) it is that of the kept columns alone, as if they
  /// had been known before: good for score intervals, not for tests of coefficients. The rows and
  /// columns of those left out are 0.
  ///
  /// Throws as `fitLogistic`, and `tooFewRows`, `tooFewGroups`, `sizeMismatch` by kind.
  /// O(rows × columns²); beside the matrix 8 bytes a row (16 with groups) and 64 MB of sums.
  package func parameterCovariance(
    _ data: LogisticData, _ kind: CovarianceKind = .model
  ) throws(LearningError) -> ParameterCovariance {
    try Bread(self, data).covariance(kind)
  }
}

/// The curvature of a fit's loss at its optimum, on standardised columns, and its inverse: the bread
/// of every sandwich.
struct Bread: Sendable {
  let fit: LogisticFit
  let data: LogisticData
  let rows: CenteredRows
  let center: [Double]
  let scale: [Double]
  /// (H + L)⁻¹ of the kept columns, 0 elsewhere; full, symmetric, unnormalised.
  let inverse: [Double]
  /// H, of all columns.
  let hessian: [Double]
  /// The fit, its mean loss's gradient and its penalty in these coordinates, the intercept last.
  let theta: [Double]
  let gradient: [Double]
  let terms: CoordinatePenalty
  /// −Σ w loss.
  let logLikelihood: Double

  var size: Int { center.count + 1 }

  /// One pass over the rows.
  init(_ fit: LogisticFit, _ data: LogisticData) throws(LearningError) {
    let x = data.x
    let p = x.columns
    guard p == fit.coefficients.count else {
      throw .sizeMismatch(
        what: "columns of the matrix", expected: fit.coefficients.count, got: p)
    }
    let statistics = try ColumnStatistics(of: data)
    let center = statistics.means
    let scale = statistics.units
    let objective = LogisticObjective(data, center: center, scale: scale)
    var theta = (0..<p).map { fit.coefficients[$0] * scale[$0] }
    theta.append((0..<p).reduce(fit.intercept) { $0 + fit.coefficients[$1] * center[$1] })
    let value = objective.value(at: theta, hessian: .double)
    guard value.isFinite, var hessian = value.hessian else { throw x.firstNonFinite() }
    mirrorLower(&hessian, size: p + 1)

    let terms = fit.penalty.inCoordinates(
      ratio: (0..<p).map { (fit.isStandardised ? fit.scales[$0] : 1) / scale[$0] })
    let kept = (0..<p).filter { !fit.penalty.selects || fit.coefficients[$0] != 0 } + [p]
    let m = kept.count
    var inner = [Double](repeating: 0, count: m * m)
    for (i, row) in kept.enumerated() {
      for (j, column) in kept.enumerated() {
        inner[i * m + j] = hessian[row * (p + 1) + column]
      }
      if row < p { inner[i * m + i] += terms.l2[row] }
    }
    let factor = Cholesky(inner, size: m)
    guard factor.leastPivot > 1e-14 else {
      throw .rankDeficient(
        aliases: Aliases(inner, size: m).found.map { alias in
          .init(column: kept[alias.column], dependsOn: alias.dependsOn.map { kept[$0] })
        }, columns: p)
    }
    let inverted = factor.inverse()
    var inverse = [Double](repeating: 0, count: (p + 1) * (p + 1))
    for (i, row) in kept.enumerated() {
      for (j, column) in kept.enumerated() {
        inverse[row * (p + 1) + column] = inverted[i * m + j] / data.weightSum
      }
    }
    self.fit = fit
    self.data = data
    self.center = center
    self.scale = scale
    self.inverse = inverse
    self.theta = theta
    gradient = value.gradient
    self.terms = terms
    self.hessian = hessian.map { $0 * data.weightSum }
    rows = CenteredRows(x, center: center, scale: scale)
    logLikelihood = -value.loss * data.weightSum
  }

  /// tr((H + L)⁻¹ H): the parameters a penalised fit spends; their number without a penalty.
  var effectiveParameters: Double {
    zip(inverse, hessian).reduce(0) { $0 + $1.0 * $1.1 }
  }

  func covariance(_ kind: CovarianceKind) throws(LearningError) -> ParameterCovariance {
    var factor = 1.0
    let meat: [Double]
    switch kind {
    case .model: return ParameterCovariance(center: center, scale: scale, elements: inverse)
    case .frequentist: meat = hessian
    case .robust(let corrected):
      if corrected { factor = try correction(clusters: nil) }
      meat = try scores(nil).meat()
    case .clustered(let groups, let corrected):
      let clusters = try Clusters(groups, rows: data.x.rows)
      let count = counted(clusters)
      guard count >= 2 else { throw .tooFewGroups(groups: count, needed: 2) }
      if corrected { factor = try correction(clusters: count) }
      meat = try scores(clusters).meat()
    }
    let half = BLAS.product(inverse, symmetric: meat, size: size)
    var full = BLAS.product(half, symmetric: inverse, size: size)
    mirrorLower(&full, size: size)
    return ParameterCovariance(
      center: center, scale: scale, elements: full.map { $0 * factor })
  }

  /// n / (n − k), or G/(G − 1) · (n − 1)/(n − k).
  private func correction(clusters: Int?) throws(LearningError) -> Double {
    let n = data.weights.map { $0.count { $0 > 0 } } ?? data.x.rows
    let k = (0..<size).count { inverse[$0 * size + $0] > 0 }
    guard n > k else { throw .tooFewRows(rows: n, needed: k + 1) }
    let sample = Double(n) / Double(n - k)
    guard let clusters else { return sample }
    let groups = Double(clusters)
    return groups / (groups - 1) * (Double(n - 1) / Double(n - k))
  }

  /// Clusters with a row of positive weight.
  private func counted(_ clusters: Clusters) -> Int {
    guard let weights = data.weights else { return clusters.count }
    return (0..<clusters.count).count { clusters.rows($0).contains { weights[Int($0)] > 0 } }
  }

  /// The rows' scores at the optimum. O(rows × columns).
  func scores(_ clusters: Clusters?) throws(LearningError) -> ScoreSums {
    var eta = try fit.linearPredictors(data.x, threads: data.threads)
    for i in eta.indices {
      let logit = eta[i] + (data.offsets?[i] ?? 0)
      eta[i] = (data.weights?[i] ?? 1) * (data.labels[i] - SigmoidKernel.sigmoid(logit))
    }
    return ScoreSums(rows: rows, factors: eta, clusters: clusters, threads: data.threads)
  }
}

import Foundation

/// The normal distribution, by the C library's erfc: right to the last digits far into the tails.
package enum Normal {
  /// The 97.5 % quantile.
  package static let twoSided95 = 1.959963984540054

  /// P(Z ≤ z).
  package static func cumulative(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  /// P(|Z| ≥ |z|).
  package static func twoSided(_ z: Double) -> Double { erfc(abs(z) / 2.0.squareRoot()) }
}

/// One line of a coefficient table.
package struct ParameterEstimate: Sendable, Equatable, Codable {
  package let estimate: Double
  package let standardError: Double
  /// estimate / standardError (Wald).
  package let z: Double
  /// Two-sided, of the estimate being 0.
  package let p: Double
  /// The 95 % interval.
  package let low: Double
  package let high: Double

  init(_ estimate: Double, variance: Double) {
    self.estimate = estimate
    standardError = variance.squareRoot()
    z = standardError > 0 ? estimate / standardError : 0
    p = Normal.twoSided(z)
    low = estimate - Normal.twoSided95 * standardError
    high = estimate + Normal.twoSided95 * standardError
  }
}

/// What a fit's rows say about its parameters and about the fit as a whole.
package struct Inference: Sendable, Equatable {
  /// A line a column, then the intercept, on the raw columns.
  package let parameters: [ParameterEstimate]
  /// The same on standardised columns (weighted mean 0, deviation 1), the intercept at their means.
  package let standardised: [ParameterEstimate]
  package let covariance: ParameterCovariance
  /// −Σ w loss, without the penalty.
  package let logLikelihood: Double
  /// That of the best intercept alone (with the offsets).
  package let nullLogLikelihood: Double
  /// Twice the distance of the log-likelihood from that of predictions equal to the labels.
  package let deviance: Double
  package let nullDeviance: Double
  /// Parameters with the intercept; with a penalty tr((H + L)⁻¹ H).
  package let effectiveParameters: Double
  /// W: rows, each counted by its weight.
  package let weightSum: Double

  /// −2 log-likelihood + 2 k.
  package var aic: Double { -2 * logLikelihood + 2 * effectiveParameters }
  /// −2 log-likelihood + k log W.
  package var bic: Double { -2 * logLikelihood + effectiveParameters * log(weightSum) }
  /// 1 − log-likelihood / null log-likelihood.
  package var mcFadden: Double { 1 - logLikelihood / nullLogLikelihood }
  /// Cox & Snell's R² = 1 − exp(−(null deviance − deviance) / W).
  package var coxSnell: Double { -expm1(-(nullDeviance - deviance) / weightSum) }

  /// Rows needed for a shrinkage of 0.9 with these columns, were R² as here less its optimism
  /// (Van Houwelingen & Le Cessie: times 1 + k / (W log(1 − R²))); nil if nothing is left of it.
  package var requiredRows: Int? {
    let columns = parameters.count - 1
    let shrinkage = 1 + Double(columns) / (weightSum * log1p(-coxSnell))
    return Self.requiredRows(columns: columns, coxSnell: coxSnell * shrinkage)
  }

  /// The least number of rows for an expected shrinkage of `shrinkage`: P / ((S − 1) ln(1 − R²/S)).
  /// nil unless 0 < R² < S. Source: Riley et al. 2019, doi:10.1002/sim.7992, criterion 1.
  package static func requiredRows(
    columns: Int, coxSnell: Double, shrinkage: Double = 0.9
  ) -> Int? {
    guard coxSnell > 0, coxSnell < shrinkage else { return nil }
    let rows = Double(columns) / ((shrinkage - 1) * log1p(-coxSnell / shrinkage))
    return rows < 1e15 ? Int(rows.rounded(.up)) : nil
  }
}

extension Penalty {
  /// Whether it may hold a coefficient at 0 exactly.
  package var selects: Bool {
    lambda > 0 && l1Ratio > 0 || (signs ?? []).contains { $0 != .free }
  }
}

extension LogisticFit {
  /// Coefficients with standard errors, tests and intervals, and how well the fit describes `data`,
  /// the rows it was made from.
  ///
  /// Throws `noStandardErrors` where the penalty selects columns, otherwise as
  /// `parameterCovariance`. O(rows × columns²).
  package func inference(
    _ data: LogisticData, _ kind: CovarianceKind = .model
  ) throws(LearningError) -> Inference {
    guard !penalty.selects else { throw .noStandardErrors }
    let bread = try Bread(self, data)
    let covariance = try bread.covariance(kind)
    let raw = covariance.raw()
    let standard = covariance.standardised()
    let p = coefficients.count
    let scaled = (0..<p).map { coefficients[$0] * bread.scale[$0] }
    let atMeans = (0..<p).reduce(intercept) { $0 + coefficients[$1] * bread.center[$1] }
    let saturated = data.saturatedLogLikelihood
    let null = data.nullLogLikelihood
    return Inference(
      parameters: (coefficients + [intercept]).enumerated().map {
        ParameterEstimate($1, variance: raw[$0, $0])
      },
      standardised: (scaled + [atMeans]).enumerated().map {
        ParameterEstimate($1, variance: standard[$0, $0])
      },
      covariance: covariance, logLikelihood: bread.logLikelihood, nullLogLikelihood: null,
      deviance: 2 * (saturated - bread.logLikelihood), nullDeviance: 2 * (saturated - null),
      effectiveParameters: bread.effectiveParameters, weightSum: data.weightSum)
  }

  /// What part of the logit's variance over the rows each group of columns carries:
  ///
  ///     share_k = cov(η_k, η) / var(η),  η_k = Σ_{j in group k} b_j x_j,  η = Σ_j b_j x_j
  ///
  /// with the rows' weights, without offsets. Shares of groups that part the columns add up to 1; one
  /// is negative where its columns work against the rest. All 0 if the logit does not vary.
  /// By cov(x_j, η) = Σ w x_j (η − η̄) / W, two products. Throws as `linearPredictors`.
  /// O(rows × columns).
  package func logitShares(
    _ data: LogisticData, groups: [[Int]]
  ) throws(LearningError) -> [Double] {
    var eta = try linearPredictors(data.x, threads: data.threads)
    var mean = 0.0
    for i in eta.indices { mean += (data.weights?[i] ?? 1) * eta[i] }
    mean /= data.weightSum
    for i in eta.indices { eta[i] = (data.weights?[i] ?? 1) * (eta[i] - mean) }
    let x = data.x
    let deviations = eta
    let stripes = StripedWork.bounds(of: x.rows, unit: 1024)
    let parts = StripedWork.map(stripes: stripes.count, threads: data.threads) { stripe in
      var sums = [Double](repeating: 0, count: x.columns)
      if let block = BLAS.Rows(x, stripes[stripe]) {
        deviations.withUnsafeBufferPointer { r in
          BLAS.accumulate(
            transposed: block, times: r.baseAddress! + stripes[stripe].lowerBound, into: &sums)
        }
      }
      return sums
    }
    var parted = [Double](repeating: 0, count: x.columns)
    for part in parts { for j in parted.indices { parted[j] += part[j] } }
    for j in parted.indices { parted[j] *= coefficients[j] }
    let variance = parted.reduce(0, +)
    guard variance > 0 else { return groups.map { _ in 0 } }
    return groups.map { group in group.reduce(0) { $0 + parted[$1] } / variance }
  }
}

extension LogisticData {
  /// Σ w [y log y + (1 − y) log(1 − y)]: 0 unless labels lie between.
  var saturatedLogLikelihood: Double {
    var sum = 0.0
    for (row, y) in labels.enumerated() where y > 0 && y < 1 {
      sum += (weights?[row] ?? 1) * (y * log(y) + (1 - y) * log1p(-y))
    }
    return sum
  }

  /// The log-likelihood of the best intercept with the offsets. O(rows).
  var nullLogLikelihood: Double {
    let odds = log(positiveWeight / (weightSum - positiveWeight))
    guard let offsets else {
      // Σ w (softplus(c) − y c) needs no rows.
      return -(weightSum * SigmoidKernel.softplus(odds) - positiveWeight * odds)
    }
    // The slope rises with c and changes sign in between: Newton's method, kept inside.
    var low = odds - (offsets.max() ?? 0)
    var high = odds - (offsets.min() ?? 0)
    var c = (low + high) / 2
    for _ in 0..<100 {
      var slope = 0.0
      var curvature = 0.0
      for row in labels.indices {
        let w = weights?[row] ?? 1
        let p = SigmoidKernel.sigmoid(c + offsets[row])
        slope += w * (p - labels[row])
        curvature += w * p * (1 - p)
      }
      if slope > 0 { high = c } else { low = c }
      var next = c - slope / curvature
      if !(next > low && next < high) { next = (low + high) / 2 }
      if abs(next - c) <= 1e-12 * max(1, abs(c)) { break }
      c = next
    }
    var loss = 0.0
    for row in labels.indices {
      let eta = c + offsets[row]
      loss += (weights?[row] ?? 1) * (SigmoidKernel.softplus(eta) - labels[row] * eta)
    }
    return -loss
  }
}

/// What a fit would have said of each row without it, by one Newton step (ALO, METHODS 2.7; Rad &
/// Maleki 2020, doi:10.1111/rssb.12374).
package struct LeaveOneOut: Sendable, Equatable {
  /// Without offsets.
  package let logits: [Double]
  /// Weighted mean, offsets included.
  package let logLoss: Double
  /// √(Σ w (l_i − l)² / W / (n − 1)): that of cross-validation with a fold a row.
  package let standardError: Double
}

/// Approximate leave-one-out predictions of a fit on its own data:
///
///     η_−i = η_i − a_i w_i (y_i − p_i) / (1 − h_i),  a_i = z_i' (H + L)⁻¹ z_i,  h_i = w_i p_i q_i a_i
///
/// H, unnormalised, is over the columns that may move: those that are not 0, and under a smooth
/// penalty all. Throws `sizeMismatch`, `nonFiniteInput`, and `rankDeficient` where no penalty
/// decides between columns. O(rows × those columns²).
package func approximateLeaveOneOut(
  _ fit: LogisticFit, data: LogisticData
) throws(LearningError) -> LeaveOneOut {
  let x = data.x
  let p = x.columns
  let eta = try fit.linearPredictors(x, threads: data.threads)
  let statistics = try ColumnStatistics(of: data)
  let scale = statistics.units
  let unit = fit.isStandardised ? fit.scales : [Double](repeating: 1, count: p)
  let terms = fit.penalty.inCoordinates(ratio: (0..<p).map { unit[$0] / scale[$0] })
  var theta = (0..<p).map { fit.coefficients[$0] * scale[$0] }
  theta.append((0..<p).reduce(fit.intercept) { $0 + fit.coefficients[$1] * statistics.means[$1] })
  let value = LogisticObjective(data, center: statistics.means, scale: scale).value(
    at: theta, hessian: .double)
  guard value.isFinite, let hessian = value.hessian else { throw x.firstNonFinite() }
  let moving = (0..<p).filter {
    let isOpen = terms.l1[$0] == 0 && terms.lower[$0] < 0 && terms.upper[$0] > 0
    return statistics.deviations[$0] > 0 && (theta[$0] != 0 || isOpen)
  }
  let members = moving + [p]
  let size = members.count
  var block = [Double](repeating: 0, count: size * size)
  for (k, j) in members.enumerated() {
    for l in k..<size { block[k * size + l] = hessian[j * (p + 1) + members[l]] }
    block[k * size + k] += terms.l2[j]
  }
  let factor = Cholesky(block, size: size)
  guard factor.leastPivot > 1e-14 else {
    throw .rankDeficient(
      aliases: Aliases(block, size: size).found.map {
        .init(column: moving[$0.column], dependsOn: $0.dependsOn.map { moving[$0] })
      }, columns: p)
  }
  let leverages = x.quadraticForms(
    factor.inverse(), of: moving, center: statistics.means, scale: scale, threads: data.threads)
  var logits = eta
  var losses = eta
  for i in eta.indices {
    let offset = data.offsets?[i] ?? 0
    let weight = data.weights?[i] ?? 1
    let odds = eta[i] + offset
    let probability = SigmoidKernel.sigmoid(odds)
    let a = leverages[i] / data.weightSum
    let h = min(weight * probability * SigmoidKernel.sigmoid(-odds) * a, 1 - 1e-9)
    logits[i] -= a * weight * (data.labels[i] - probability) / (1 - h)
    let left = logits[i] + offset
    losses[i] = SigmoidKernel.softplus(left) - data.labels[i] * left
  }
  func weightedMean(_ values: [Double]) -> Double {
    var sum = 0.0
    for i in values.indices { sum += (data.weights?[i] ?? 1) * values[i] }
    return sum / data.weightSum
  }
  let mean = weightedMean(losses)
  let spread = weightedMean(losses.map { ($0 - mean) * ($0 - mean) })
  return LeaveOneOut(
    logits: logits, logLoss: mean,
    standardError: (spread / Double(eta.count - 1)).squareRoot())
}

/// Chooses λ among a path's fits by approximate leave-one-out: no refits, so one path is enough. Rows
/// count one by one: where an account has several, cross-validation by groups is the honest number.
/// Throws as the single one. O(λs × rows × columns²).
package func approximateLeaveOneOut(
  _ path: PathFit, data: LogisticData, rule: CrossValidation.Rule = .minimum
) throws(LearningError) -> CrossValidation {
  let answers = try path.fits.map { (fit) throws(LearningError) in
    let answer = try approximateLeaveOneOut(fit, data: data)
    return CrossValidation.Point(
      lambda: fit.penalty.lambda, logLoss: answer.logLoss, standardError: answer.standardError,
      nonzero: fit.coefficients.count { $0 != 0 })
  }
  let chosen = CrossValidation.choose(answers, rule)
  let logits = try approximateLeaveOneOut(path.fits[chosen], data: data).logits
  return CrossValidation(points: answers, rule: rule) { _ in logits }
}

extension Matrix {
  /// z_i' V z_i of every row, z being its `members` columns, centred and scaled, then a 1; V full and
  /// symmetric. O(rows × members²).
  fileprivate func quadraticForms(
    _ v: [Double], of members: [Int], center: [Double], scale: [Double], threads: Int
  ) -> [Double] {
    let size = members.count + 1
    let tile = max(32, min(512, 100_000 / size))
    let stripes = StripedWork.bounds(of: rows, unit: tile)
    let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      var result: [Double] = []
      result.reserveCapacity(stripes[stripe].count)
      var z = [Double](repeating: 1, count: tile * size)
      var product = z
      for start in stride(
        from: stripes[stripe].lowerBound, to: stripes[stripe].upperBound, by: tile)
      {
        let count = min(tile, stripes[stripe].upperBound - start)
        for (k, j) in members.enumerated() {
          for i in 0..<count {
            z[i * size + k] =
              (values[(start + i) * rowStride + j * columnStride] - center[j]) / scale[j]
          }
        }
        z.withUnsafeBufferPointer { z in
          v.withUnsafeBufferPointer { v in
            product.withUnsafeMutableBufferPointer { product in
              guard let a = z.baseAddress, let b = v.baseAddress, let c = product.baseAddress
              else { return }
              BLAS.multiply(a, rows: count, transposed: b, count: size, columns: size, into: c)
            }
          }
        }
        for i in 0..<count {
          var sum = 0.0
          for k in (i * size)..<((i + 1) * size) { sum += z[k] * product[k] }
          result.append(sum)
        }
      }
      return result
    }
    return Array(parts.joined())
  }
}

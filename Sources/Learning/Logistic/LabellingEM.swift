import Foundation

/// Where class and labelling stand: a logit a row each.
struct LabellingState {
  var classLogits: [Double]
  /// Nil: every member is labelled.
  var propensityLogits: [Double]?

  /// Mean of s log(f e) + (1 − s) log(1 − f e).
  func logLikelihood(_ data: LogisticData) -> Double {
    var sum = 0.0
    for (row, eta) in classLogits.enumerated() {
      let weight = data.weights?[row] ?? 1
      if data.labels[row] == 1 {
        // log σ(η) = −softplus(−η)
        sum -= weight * SigmoidKernel.softplus(-eta)
        if let e = propensityLogits?[row] { sum -= weight * SigmoidKernel.softplus(-e) }
      } else {
        sum += weight * log(1 - posterior(row).labelled)
      }
    }
    return sum / data.weightSum
  }

  /// P(class | x), P(labelled | class, x), P(labelled | x).
  func posterior(_ row: Int) -> (member: Double, propensity: Double, labelled: Double) {
    let f = SigmoidKernel.sigmoid(classLogits[row])
    let e = propensityLogits.map { SigmoidKernel.sigmoid($0[row]) } ?? 1
    return (f, e, min(f * e, 1 - 0x1p-53))
  }

  /// How likely each row is a member, given its label.
  func members(_ data: LogisticData) -> [Double] {
    classLogits.indices.map { row in
      if data.labels[row] == 1 { return 1 }
      let (f, e, labelled) = posterior(row)
      return min(max(f * (1 - e) / (1 - labelled), 0), 1)
    }
  }
}

extension LabellingState {
  /// Two steps on, extrapolated: state + 2a r + a² v with r the first step, v what the second differs
  /// from it and a = ‖r‖/‖v‖, `most` at most; no state where that is no more than the steps themselves.
  /// Logits are linear in the parameters, so that this is the extrapolation of these. Source: SQUAREM,
  /// scheme S3, Varadhan & Roland 2008, doi:10.1111/j.1467-9469.2007.00585.x.
  func leaping(
    over first: LabellingState, _ second: LabellingState, most: Double
  ) -> (state: LabellingState?, length: Double) {
    let (here, there) = (joined, first.joined)
    let r = zip(there, here).map { $0 - $1 }
    let v = zip(zip(second.joined, there), r).map { $0.0 - $0.1 - $1 }
    let square = { (values: [Double]) in values.reduce(0) { $0 + $1 * $1 } }
    let wanted = (square(r) / square(v)).squareRoot()
    let a = wanted.isNaN ? 1 : min(wanted, most)
    guard a > 1 else { return (nil, a) }
    let leap = here.indices.map { here[$0] + 2 * a * r[$0] + a * a * v[$0] }
    return (
      LabellingState(
        classLogits: Array(leap.prefix(classLogits.count)),
        propensityLogits: Array(leap.dropFirst(classLogits.count))), a
    )
  }

  private var joined: [Double] { classLogits + (propensityLogits ?? []) }

  /// The mean change of the labelling's chance over rows without a label.
  func move(from other: LabellingState, _ data: LogisticData) -> Double {
    var sum = 0.0
    var count = 0
    for row in data.labels.indices where data.labels[row] == 0 {
      sum += abs(posterior(row).propensity - other.posterior(row).propensity)
      count += 1
    }
    return sum / Double(max(count, 1))
  }
}

/// A logistic fit made again and again on the same columns, each from where the last one ended.
struct SoftFit {
  private let parameters: LogisticParameters
  private var last: LogisticData.Solved?

  init(_ parameters: LogisticParameters) { self.parameters = parameters }

  /// Logits of every row.
  mutating func fit(
    _ data: LogisticData, labels: [Double], weights: [Double]?
  ) throws(LearningError) -> [Double] {
    let step = try LogisticData(
      data.x, labels: labels, weights: weights, threads: data.threads)
    let loose = try parameters.with(lambda: parameters.penalty.lambda, tolerance: 1e-9)
    if let last {
      self.last = try step.solve(
        loose, statistics: last.statistics, center: last.objective.center,
        scale: last.objective.scale, start: last.solution.theta, model: last.solution.model)
    } else {
      last = try step.solve(loose)
    }
    let factor = self.factor
    return factor.logits(data.x, threads: data.threads)
  }

  var factor: PositiveUnlabelled.Factor {
    guard let last else { return .init(coefficients: [], intercept: 0) }
    let (coefficients, intercept) = last.objective.raw(last.solution.theta)
    return .init(coefficients: coefficients, intercept: intercept)
  }
}

/// The iterations, run to their end.
struct LabellingEM {
  private let state: LabellingState
  private let classifier: PositiveUnlabelled.Factor
  private let propensity: PositiveUnlabelled.Factor
  private let dependsOnColumns: Bool
  private let penalty: Penalty
  private let iterations: Int
  private let isConverged: Bool
  let logLikelihood: Double
  private let outer: Sums

  private static let most = 500
  /// Of a step: mean move of the labelling's chance, and gain of the log-likelihood in all.
  private static let leastMove = 1e-4
  private static let leastGain = 1e-3

  init(
    _ data: LogisticData, _ parameters: LogisticParameters, dependsOnColumns: Bool
  ) throws(LearningError) {
    let s = data.labels
    let r = data.positiveWeight / data.weightSum
    func weights(_ of: (Int) -> Double) -> [Double] {
      s.indices.map { (data.weights?[$0] ?? 1) * of($0) }
    }
    var classFit = SoftFit(parameters)
    var labelFit = SoftFit(parameters)
    /// The labelling of members by their weight.
    func label(_ members: [Double]) throws(LearningError) -> [Double] {
      let weights = weights { members[$0] }
      if dependsOnColumns { return try labelFit.fit(data, labels: s, weights: weights) }
      let share = data.positiveWeight / weights.reduce(0, +)
      return [Double](repeating: logOdds(min(share, 1 - 1e-9)), count: s.count)
    }
    /// One expectation and one maximisation.
    func step(_ state: LabellingState) throws(LearningError) -> LabellingState {
      let members = state.members(data)
      return LabellingState(
        classLogits: try classFit.fit(data, labels: members, weights: data.weights),
        propensityLogits: try label(members))
    }
    let start = try classFit.fit(data, labels: s, weights: weights { s[$0] == 1 ? 1 - r : r })
    var state = LabellingState(
      classLogits: start,
      propensityLogits: try label(
        s.indices.map { s[$0] == 1 ? 1 : SigmoidKernel.sigmoid(start[$0]) }))
    var iterations = 0
    var isConverged = false
    var likelihood = 0.0
    var longest = 1.0
    while true {
      let first = try step(state)
      let second = try step(first)
      iterations += 2
      likelihood = second.logLikelihood(data)
      let gain = data.weightSum * (likelihood - first.logLikelihood(data))
      isConverged = gain < Self.leastGain && second.move(from: first, data) < Self.leastMove
      if isConverged || iterations >= Self.most {
        state = second
        break
      }
      let (leap, length) = state.leaping(over: first, second, most: longest)
      let isBetter = leap.map { $0.logLikelihood(data) >= likelihood } ?? false
      // Leaps grow while they reach their bound, and shrink where one fell short.
      if let leap, isBetter { state = leap } else { state = second }
      if leap != nil, !isBetter { longest = max(1, longest / 4) }
      if length >= longest { longest *= 4 }
    }
    self.state = state
    self.dependsOnColumns = dependsOnColumns
    self.isConverged = isConverged
    self.iterations = iterations
    penalty = parameters.penalty
    logLikelihood = likelihood
    classifier = classFit.factor
    propensity =
      dependsOnColumns
      ? labelFit.factor
      : .init(
        coefficients: [Double](repeating: 0, count: data.x.columns),
        intercept: state.propensityLogits?.first ?? 0)
    outer = Self.sums(data, state, dependsOnColumns: dependsOnColumns)
  }

  func doubts(_ data: LogisticData) -> [PositiveUnlabelled.Doubt] {
    var doubts: [PositiveUnlabelled.Doubt] = []
    if !isConverged { doubts.append(.notConverged(iterations: iterations)) }
    let prevalence = prevalence(data)
    let share = data.positiveWeight / data.weightSum / (prevalence.value ?? 1)
    if share < 0.01 || share > 0.99 { doubts.append(.edge(labelledShare: share)) }
    if let low = prevalence.low, let high = prevalence.high {
      if high > 3 * low { doubts.append(.flat(low: low, high: high)) }
    } else {
      doubts.append(.flat(low: data.positiveWeight / data.weightSum, high: 1))
    }
    if dependsOnColumns, let propensities = state.propensityLogits {
      let correlation = Self.correlation(state.classLogits, propensities)
      if correlation > 0.9 { doubts.append(.alike(correlation: correlation)) }
    }
    return doubts
  }

  func result(
    _ data: LogisticData, _ method: PositiveUnlabelled.Method, doubts: [PositiveUnlabelled.Doubt]
  ) -> PositiveUnlabelled {
    PositiveUnlabelled(
      method: method, classifier: classifier, propensity: propensity,
      prevalence: prevalence(data), logLikelihood: logLikelihood, iterations: iterations,
      doubts: doubts, covariance: covariance(data))
  }

  private static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let count = Double(a.count)
    let (meanA, meanB) = (a.reduce(0, +) / count, b.reduce(0, +) / count)
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      ab += (x - meanA) * (y - meanB)
      aa += (x - meanA) * (x - meanA)
      bb += (y - meanB) * (y - meanB)
    }
    return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
  }

  /// Of the class's coefficients, intercept last, whatever the labelling's: their block of
  /// (Σ u u' + W L)⁻¹. Where the likelihood is so flat that it has no inverse, a weak penalty on all
  /// holds it, so that variances are very large but finite. O(columns³).
  private func covariance(_ data: LogisticData) -> Matrix {
    let own = data.x.columns + 1
    let size = own + (dependsOnColumns ? own : 1)
    var information = penalised(data, size: size)
    var factor = Cholesky(information, size: size)
    var ridge = 1e-9 * data.weightSum
    while factor.leastPivot <= 1e-12 {
      for j in 0..<size { information[j * size + j] += ridge }
      ridge *= 10
      factor = Cholesky(information, size: size)
    }
    let solved = (0..<own).map { j in
      factor.solve((0..<size).map { $0 == j ? 1 : 0 })
    }
    return Matrix(rows: own, columns: own) { span in
      for a in 0..<own { for b in 0..<own { span[a * own + b] = solved[min(a, b)][max(a, b)] } }
    }
  }

  /// Σ u u' + W L.
  private func penalised(_ data: LogisticData, size: Int) -> [Double] {
    var information = outer.information
    for j in 0..<data.x.columns {
      information[j * size + j] += data.weightSum * penalty.l2(j)
      if dependsOnColumns {
        let k = data.x.columns + 1 + j
        information[k * size + k] += data.weightSum * penalty.l2(j)
      }
    }
    return information
  }

  /// Mean of f, its interval on the logit scale: g'(Σ u u' + W L)⁻¹ g with u the rows' scores in class
  /// and labelling, g the mean's gradient. O(columns³).
  private func prevalence(_ data: LogisticData) -> Evaluation.Estimate {
    let own = data.x.columns + 1
    let size = own + (dependsOnColumns ? own : 1)
    let mean = outer.members / data.weightSum
    let gradient =
      outer.gradient.map { $0 / data.weightSum }
      + [Double](repeating: 0, count: size - own)
    let factor = Cholesky(penalised(data, size: size), size: size)
    guard factor.leastPivot > 1e-12, mean > 0, mean < 1 else { return .init(value: mean) }
    let solved = factor.solve(gradient)
    let variance = zip(gradient, solved).reduce(0) { $0 + $1.0 * $1.1 }
    let half = 1.959963984540054 * variance.squareRoot() / (mean * (1 - mean))
    let logit = logOdds(mean)
    return .init(
      value: mean, low: SigmoidKernel.sigmoid(logit - half),
      high: SigmoidKernel.sigmoid(logit + half))
  }

  /// Of all rows, at a state. O(rows × columns²).
  private static func sums(
    _ data: LogisticData, _ state: LabellingState, dependsOnColumns: Bool
  ) -> Sums {
    let x = data.x
    let own = x.columns + 1
    let size = own + (dependsOnColumns ? own : 1)
    let stripes = StripedWork.bounds(of: x.rows, unit: 256, maximum: 16)
    let parts = StripedWork.map(stripes: stripes.count, threads: data.threads) { stripe in
      sums(data, stripes[stripe], state, dependsOnColumns: dependsOnColumns, size: size)
    }
    var all = Sums(
      information: [Double](repeating: 0, count: size * size),
      gradient: [Double](repeating: 0, count: own))
    for part in parts {
      for cell in all.information.indices { all.information[cell] += part.information[cell] }
      for j in 0..<own { all.gradient[j] += part.gradient[j] }
      all.members += part.members
    }
    return all
  }

  private struct Sums: Sendable {
    /// Σ w u u', the lower triangle, column-major.
    var information: [Double]
    /// Σ w f (1 − f) [x, 1].
    var gradient: [Double]
    /// Σ w f.
    var members = 0.0
  }

  private static func sums(
    _ data: LogisticData, _ range: Range<Int>, _ state: LabellingState, dependsOnColumns: Bool,
    size: Int
  ) -> Sums {
    let own = data.x.columns + 1
    var sums = Sums(
      information: [Double](repeating: 0, count: size * size),
      gradient: [Double](repeating: 0, count: own))
    var part = sums.information
    let tile = 256
    var u = [Double](repeating: 0, count: tile * size)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: tile) {
      let rows = start..<min(start + tile, range.upperBound)
      for (k, row) in rows.enumerated() {
        let weight = data.weights?[row] ?? 1
        let (f, e, labelled) = state.posterior(row)
        let s = data.labels[row]
        let member = s == 1 ? 1 : f * (1 - e) / (1 - labelled)
        let root = weight.squareRoot()
        let (ofClass, ofLabel) = (root * (member - f), root * member * (s - e))
        for j in 0..<own {
          let value = j + 1 < own ? data.x[row, j] : 1
          u[k * size + j] = ofClass * value
          if dependsOnColumns { u[k * size + own + j] = ofLabel * value }
          sums.gradient[j] += weight * f * (1 - f) * value
        }
        if !dependsOnColumns { u[k * size + own] = ofLabel }
        sums.members += weight * f
      }
      u.withUnsafeBufferPointer { u in
        part.withUnsafeMutableBufferPointer { part in
          guard let from = u.baseAddress, let target = part.baseAddress else { return }
          BLAS.gram(
            from, count: rows.count, columns: size, order: .rowMajor, stride: size, into: target)
        }
      }
      for cell in sums.information.indices { sums.information[cell] += part[cell] }
    }
    return sums
  }
}

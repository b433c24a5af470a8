package import Learning

/// Whether training on respondents weighted like the silent beats plain training where it counts: at
/// capacity, on rows held out, weighted (METHODS 0.3: by principle neither does).
package struct WeightedTraining: Sendable, Codable, Equatable {
  /// Weights to the power τ in training.
  package struct Candidate: Sendable, Codable, Equatable {
    package let tau: Double
    /// Σ w loss / Σ w over held-out rows, w being the whole odds weights (importance-weighted
    /// cross-validation, Sugiyama et al. 2007).
    package let logLoss: Double
  }

  /// τ = 0 (plain) first.
  package let candidates: [Candidate]
  /// The least held-out loss's.
  package let tau: Double
  /// Plain training against that at `tau`; nil where that is 0.
  package let precision: CapacityComparison?
  /// Whether weighted training won.
  package var wins: Bool { precision?.secondWins ?? false }

  package static let taus = [0, 0.25, 0.5, 0.75, 1]

  /// `x`: the design's columns of respondents; `rowWeights`: what their rows count in any training, all
  /// alike if nil; `folds` as in `crossValidate`; `lambdas` and `parameters` as the plain model was
  /// fitted with, the penalty chosen anew for every τ; `share`: capacity over silent accounts. Throws as `crossValidate` and `Evaluation`. O(5 cross-validations).
  package init(
    _ x: Matrix, labels: [Double], weights: OddsWeights, rowWeights: [Double]? = nil, folds: [Int],
    customers: [UInt64],
    share: Double, lambdas: [Double], parameters: LogisticParameters, threads: Int
  ) throws(LearningError) {
    func times(_ weights: [Double]) -> [Double] {
      rowWeights.map { zip($0, weights).map { $0 * $1 } } ?? weights
    }
    let target = times(weights.values)
    var candidates: [Candidate] = []
    var logits: [[Double]] = []
    for tau in Self.taus {
      let (validation, _) = try crossValidate(
        LogisticData(
          x, labels: labels, weights: tau == 0 ? rowWeights : times(weights.flattened(tau)),
          threads: threads),
        folds: folds, lambdas: lambdas, parameters: parameters)
      let held = validation.outOfFoldLogits
      var loss = 0.0
      for row in held.indices {
        loss +=
          target[row]
          * (SigmoidKernel.softplus(held[row]) - labels[row] * held[row])
      }
      candidates.append(Candidate(tau: tau, logLoss: loss / target.reduce(0, +)))
      logits.append(held)
    }
    var best = 0
    for k in candidates.indices where candidates[k].logLoss < candidates[best].logLoss { best = k }
    self.candidates = candidates
    tau = candidates[best].tau
    precision =
      best == 0
      ? nil
      : try CapacityComparison(
        logits[0], against: logits[best], labels: labels, weights: target,
        customers: customers, share: share, threads: threads)
  }
}

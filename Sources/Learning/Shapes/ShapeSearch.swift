import Foundation

/// The candidates of `fitShaped`, one after another.
struct ShapeSearch {
  let raw: Matrix
  let rows: FoldedRows
  /// Of `DesignTiles`.
  let mostKept: Int
  let threads: Int
  private(set) var trials: [ShapedFit.Trial] = []
  /// Index of the best trial so far.
  var kept = 0

  init(raw: Matrix, rows: FoldedRows, mostKept: Int, threads: Int) {
    self.raw = raw
    self.rows = rows
    self.mostKept = mostKept
    self.threads = threads
  }

  /// A model that may be kept.
  struct Candidate {
    let design: Design
    /// Penalty of each column of the design.
    let penalties: [Double]
    /// The fit to all rows, a coefficient a column, intercept last.
    let theta: [Double]
    /// Held-out logits in the order of the folds.
    let heldOut: [Double]
    let loss: HeldOutLoss
    let lambda: Double
    let trial: Int
  }

  struct Mains {
    let candidate: Candidate
    let ridge: FoldedRidge<Float>
    let states: [FoldedRidge<Float>.State]
    /// Of each problem.
    let penalties: [[Double]]
    let grams: [CurvatureGram]
    var loss: HeldOutLoss { candidate.loss }
    var trial: Int { candidate.trial }
  }

  /// The problems on a design's columns.
  func ridge<Scalar: BlockScalar>(of design: Design, _: Scalar.Type) -> FoldedRidge<Scalar> {
    FoldedRidge(
      tiles: DesignTiles(design, raw, rows, mostKept: mostKept, threads: threads),
      threads: threads)
  }

  // MARK: columns of one source

  /// The best penalty of a design without pairs.
  mutating func mains(
    _ kind: ShapedFit.Trial.Kind, _ design: Design, _ progress: (ShapedFit.Trial) -> Void
  ) -> Mains {
    let ridge = ridge(of: design, Float.self)
    let factors = design.columns.map { column in
      switch column.basis {
      case .step: ShapeRecipe.stepFactor
      case .linear, .log1p, .missing, .nonzero, .hinge, .logHinge, .level, .pooled: 1.0
      }
    }
    let start = (0..<ridge.problems).map { problem in
      FoldedRidge<Float>.State(
        theta: [Double](repeating: 0, count: design.width) + [rows.logOdds(without: problem)])
    }
    var grams: [CurvatureGram] = []
    let best = path(
      kind, ridge, [[Double]](repeating: factors, count: ridge.problems), ShapeRecipe.lambdas,
      from: start, &grams, against: nil, progress)
    guard let best else { preconditionFailure("a path has a first λ") }
    return best
  }

  /// The same with its penalties adapted to its sources while that pays.
  mutating func adapted(_ mains: Mains, _ progress: (ShapedFit.Trial) -> Void) -> Mains {
    var best = mains
    var grams = mains.grams
    let sources = mains.candidate.design.columns.map(\.source)
    for _ in 0..<ShapeRecipe.adaptations {
      let lambda = best.candidate.lambda
      let factors = zip(best.states, best.penalties).map { state, penalties in
        adapt(penalties.map { $0 / lambda }, to: state.theta, sources)
      }
      guard
        let next = path(
          trials[mains.trial].kind, mains.ridge, factors,
          ShapeRecipe.adaptedSteps.map { $0 * lambda }, from: best.states, &grams, against: best,
          progress)
      else { break }
      best = next
    }
    return best
  }

  /// The λ path, down while held-out loss falls; nil if it beats `before` nowhere. `factors`: of each
  /// problem's columns. `grams`: made where there are none.
  private mutating func path(
    _ kind: ShapedFit.Trial.Kind, _ ridge: FoldedRidge<Float>, _ factors: [[Double]],
    _ lambdas: [Double], from start: [FoldedRidge<Float>.State], _ grams: inout [CurvatureGram],
    against before: Mains?, _ progress: (ShapedFit.Trial) -> Void
  ) -> Mains? {
    var states = start
    var best: Mains?
    var last = Double.infinity
    for lambda in lambdas {
      let penalties = factors.map { $0.map { $0 * lambda } }
      solve(ridge, penalties, from: &states, &grams)
      let heldOut = rows.heldOut(states.map(\.predictors))
      let loss = HeldOutLoss(heldOut, rows)
      let rival = (best ?? before)?.candidate.loss
      let index = record(kind, pairs: 0, lambda, 0, loss, against: rival, progress)
      if loss.mean >= last { break }
      last = loss.mean
      if let rival, rival.mean <= loss.mean { continue }
      let full = ridge.problems - 1
      best = Mains(
        candidate: Candidate(
          design: ridge.tiles.design, penalties: penalties[full], theta: states[full].theta,
          heldOut: heldOut, loss: loss, lambda: lambda, trial: index), ridge: ridge,
        states: states, penalties: penalties, grams: grams)
    }
    return best
  }

  /// Penalty factors by what each source did in a problem's own fit: little, and it is held back; much,
  /// and it is let go (an adaptive ridge, as the adaptive lasso of Zou 2006 by groups).
  ///
  ///     factor_j / (m_s / mean m + 0.1),  m_s = mean of factor_j θ_j² over the columns of source s
  private func adapt(_ factors: [Double], to theta: [Double], _ sources: [Int]) -> [Double] {
    var size = [Double](repeating: 0, count: (sources.last ?? 0) + 1)
    var count = size
    for (j, source) in sources.enumerated() {
      size[source] += factors[j] * theta[j] * theta[j]
      count[source] += 1
    }
    for source in size.indices where count[source] > 0 { size[source] /= count[source] }
    let mean = size.reduce(0, +) / Double(max(1, count.filter { $0 > 0 }.count))
    guard mean > 0 else { return factors }
    return sources.indices.map { j in factors[j] / (size[sources[j]] / mean + 0.1) }
  }

  /// Solves all problems well enough to compare losses; makes the Hessian where there is none or it
  /// no longer serves: one for all, or their own where that does not do.
  func solve(
    _ ridge: FoldedRidge<Float>, _ penalties: [[Double]],
    from states: inout [FoldedRidge<Float>.State], _ grams: inout [CurvatureGram]
  ) {
    let problems = Array(0..<ridge.problems)
    let solver = FoldedSolver(ridge: ridge, penalties: penalties)
    for k in problems { ridge.repenalise(&states[k], penalties[k]) }
    if grams.isEmpty {
      states = ridge.evaluate(
        problems.map { ($0, states[$0].theta) }, penalties: penalties)
      grams = solver.sharedGram(at: states)
    }
    let mostPasses = 25
    // A tenth of what one coefficient costs by chance.
    let decrement = 0.05 / Double(rows.count)
    for attempt in 0..<3 {
      let (solved, passes) = solver.solve(
        from: states, factors: solver.factors(grams, of: problems), decrement: decrement,
        gradient: 1e-3, maximumPasses: mostPasses)
      states = solved
      if passes < mostPasses || attempt == 2 { return }
      grams = []
      grams =
        rows.count > 20 * ridge.columns
        ? solver.sharedGram(at: states) : solver.ownGrams(at: states, of: problems)
    }
  }

  mutating func record(
    _ kind: ShapedFit.Trial.Kind, pairs: Int, _ lambda: Double, _ pairLambda: Double,
    _ loss: HeldOutLoss, against before: HeldOutLoss?, _ progress: (ShapedFit.Trial) -> Void
  ) -> Int {
    let (gain, error) = before.map { loss.gain(over: $0, rows) } ?? (0, 0)
    let trial = ShapedFit.Trial(
      kind: kind, pairs: pairs, lambda: lambda, pairLambda: pairLambda, logLoss: loss.logLoss,
      calibratedLoss: loss.mean, gain: gain, standardError: error)
    trials.append(trial)
    progress(trial)
    return trials.count - 1
  }
}

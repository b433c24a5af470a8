/// The candidates of `fitShaped`, one after another.
struct ShapeSearch {
  let raw: Matrix
  let rows: FoldedRows
  let threads: Int
  private(set) var trials: [ShapedFit.Trial] = []
  /// Index of the best trial so far.
  var kept = 0

  init(raw: Matrix, rows: FoldedRows, threads: Int) {
    self.raw = raw
    self.rows = rows
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
    var loss: HeldOutLoss { candidate.loss }
    var trial: Int { candidate.trial }
  }

  // MARK: columns of one source

  /// The λ path of a design without pairs, down while held-out loss falls.
  mutating func mains(
    _ kind: ShapedFit.Trial.Kind, _ design: Design, progress: (ShapedFit.Trial) -> Void
  ) -> Mains {
    let block = ColumnBlock<Float>(design, raw, order: rows.order, threads: threads)
    let ridge = FoldedRidge(blocks: [block], rows: rows, threads: threads)
    let factors = design.columns.map { column in
      switch column.basis {
      case .step: ShapeRecipe.stepFactor
      case .linear, .log1p, .missing, .nonzero, .hinge, .logHinge, .level, .pooled: 1.0
      }
    }
    let problems = Array(0..<ridge.problems)
    var states = problems.map { problem in
      FoldedRidge<Float>.State(
        theta: [Double](repeating: 0, count: design.width) + [rows.logOdds(without: problem)])
    }
    var grams: [FoldedRidge<Float>.Gram] = []
    var best: (Candidate, [FoldedRidge<Float>.State])?
    var worse = 0
    for lambda in ShapeRecipe.lambdas {
      let penalties = factors.map { $0 * lambda }
      solve(
        ridge, [[Double]](repeating: penalties, count: ridge.problems), from: &states, &grams)
      let heldOut = rows.heldOut(states.map(\.predictors))
      let loss = HeldOutLoss(heldOut, rows)
      let index = record(
        kind, pairs: 0, lambda, 0, loss, against: best?.0.loss, progress)
      if let (before, _) = best, before.loss.mean <= loss.mean {
        worse += 1
        if worse == 2 { break }
        continue
      }
      worse = 0
      best = (
        Candidate(
          design: design, penalties: penalties, theta: states[ridge.problems - 1].theta,
          heldOut: heldOut, loss: loss, lambda: lambda, trial: index), states
      )
    }
    guard let (candidate, states) = best else { preconditionFailure("a path has a first λ") }
    return Mains(candidate: candidate, ridge: ridge, states: states)
  }

  /// Solves all problems well enough to compare losses; makes the Hessian where there is none or it
  /// no longer serves.
  private func solve(
    _ ridge: FoldedRidge<Float>, _ penalties: [[Double]],
    from states: inout [FoldedRidge<Float>.State], _ grams: inout [FoldedRidge<Float>.Gram]
  ) {
    let problems = Array(0..<ridge.problems)
    let solver = FoldedSolver(ridge: ridge, penalties: penalties)
    if grams.isEmpty {
      states = ridge.evaluate(
        problems.map { ($0, states[$0].theta) }, penalties: penalties)
      grams = solver.grams(at: states, of: problems)
    }
    // A state's gradient is of the last penalties.
    for k in problems { states[k].gradient = [] }
    let mostPasses = 12
    for attempt in 0..<3 {
      let (solved, passes) = solver.solve(
        from: states, factors: solver.factors(grams, of: problems), decrement: 1e-6,
        gradient: 1e-3, maximumPasses: mostPasses)
      states = solved
      if passes < mostPasses || attempt == 2 { return }
      grams = []
      grams = solver.grams(at: states, of: problems)
    }
  }

  // MARK: pairs

  /// The best of the columns alone and of them with more and more pairs; a step up the ladder is
  /// kept if it lowers the held-out loss by more than the standard error of that.
  mutating func pairs(
    of mains: Mains, progress: (ShapedFit.Trial) -> Void
  ) -> Candidate {
    var current = mains.candidate
    let design = current.design
    guard design.columns.last?.source != design.columns.first?.source else { return current }
    let screen = PairScreen(
      block: mains.ridge.blocks[0], rows: rows, sources: design.columns.map(\.source),
      threads: threads)
    let rankings = (0..<mains.ridge.problems).map { problem in
      screen.ranking(
        problem: problem, theta: mains.states[problem].theta,
        predictors: mains.states[problem].predictors, threshold: ShapeRecipe.pairThreshold,
        limit: 60_000)
    }
    var before = 0
    for (step, rung) in ShapeRecipe.ladder.enumerated() {
      let chosen = rankings.map { $0.best(rung.count, perSources: rung.perSources) }
      let union = Set(chosen.joined()).sorted()
      guard union.count > before, union.count * rows.count * 4 <= ShapeRecipe.mostPairBytes else {
        break
      }
      before = union.count
      let best = pairs(rung.count, chosen, union, mains, against: current.loss, progress)
      let (gain, error) = best.loss.gain(over: current.loss, rows)
      if gain > error {
        current = best
        kept = best.trial
      } else if step > 0 {
        break
      }
    }
    return current
  }

  /// The best penalty for some pairs, from strong to weak while held-out loss falls.
  private mutating func pairs(
    _ count: Int, _ chosen: [[PairScreen.Pair]], _ union: [PairScreen.Pair], _ mains: Mains,
    against current: HeldOutLoss, _ progress: (ShapedFit.Trial) -> Void
  ) -> Candidate {
    let main = mains.candidate
    let p = main.penalties.count
    let block = ColumnBlock<Float>(pairs: union, of: mains.ridge.blocks[0], threads: threads)
    let scales = block.standardise(weights: rows.weights, threads: threads)
    let ridge = FoldedRidge(
      blocks: mains.ridge.blocks + [block], rows: rows, threads: threads)
    let isChosen = chosen.map { pairs in
      let members = Set(pairs)
      return union.indices.map { members.contains(union[$0]) && scales[$0].scale > 0 }
    }
    var states = mains.states.map { state in
      FoldedRidge<Float>.State(
        theta: state.theta.dropLast() + [Double](repeating: 0, count: union.count)
          + [state.theta[p]])
    }
    var grams: [FoldedRidge<Float>.Gram] = []
    var best: Candidate?
    for lambda in ShapeRecipe.pairLambdas {
      let penalties = isChosen.map { main.penalties + $0.map { $0 ? lambda : .infinity } }
      solve(ridge, penalties, from: &states, &grams)
      let heldOut = rows.heldOut(states.map(\.predictors))
      let loss = HeldOutLoss(heldOut, rows)
      let index = record(
        .pairs, pairs: count, main.lambda, lambda, loss, against: current, progress)
      if let best, best.loss.mean <= loss.mean { break }
      let full = ridge.problems - 1
      let used = union.indices.filter { isChosen[full][$0] }
      let theta = states[full].theta
      best = Candidate(
        design: main.design.with(
          pairs: used.map {
            DesignPair(
              first: union[$0].first, second: union[$0].second, mean: scales[$0].mean,
              scale: scales[$0].scale)
          }), penalties: main.penalties + [Double](repeating: lambda, count: used.count),
        theta: theta[..<p] + used.map { theta[p + $0] } + theta.suffix(1), heldOut: heldOut,
        loss: loss, lambda: main.lambda, trial: index)
    }
    return best ?? main
  }

  private mutating func record(
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

  // MARK: the end

  /// The candidate fitted to all rows in float64, to max |∂F| ≤ 1e-9.
  func finished(_ candidate: Candidate, _ data: LogisticData) throws(LearningError) -> ShapedFit {
    let tolerance = 1e-9
    let ridge = FoldedRidge(
      blocks: [
        ColumnBlock<Double>(candidate.design, raw, order: rows.order, threads: threads)
      ], rows: rows, threads: threads)
    let full = rows.folds.count
    let penalties = [[Double]](repeating: candidate.penalties, count: full + 1)
    let solver = FoldedSolver(ridge: ridge, penalties: penalties)
    var states = ridge.evaluate([(full, candidate.theta)], penalties: penalties)
    var passes = 1
    for _ in 0..<8 where states[0].maxGradient > tolerance {
      let grams = solver.grams(at: states, of: [full])
      let solved = solver.solve(
        from: states, factors: solver.factors(grams, of: [full]), decrement: 0.1 * tolerance,
        gradient: tolerance, maximumPasses: 25)
      states = solved.states
      passes += solved.passes
    }
    guard states[0].maxGradient <= 100 * tolerance else {
      throw .notConverged(
        iterations: passes, maxGradient: states[0].maxGradient, tolerance: tolerance)
    }
    let lambda = candidate.lambda
    return ShapedFit(
      design: candidate.design,
      fit: LogisticFit(
        coefficients: Array(states[0].theta.dropLast()),
        intercept: states[0].theta[candidate.design.width], means: [], scales: [],
        penalty: try Penalty(lambda: lambda, factors: candidate.penalties.map { $0 / lambda }),
        objective: states[0].loss, maxGradient: states[0].maxGradient, iterations: passes,
        weightSum: data.weightSum, rows: rows.count),
      outOfFoldLogits: rows.unfolded(candidate.heldOut), trials: trials, kept: kept)
  }
}

/// The log loss of held-out logits, as they are and with the best intercept and slope.
struct HeldOutLoss {
  /// Weighted means: as they are, and calibrated.
  let logLoss: Double
  let mean: Double
  /// Calibrated, a row, in the order of the folds.
  private let losses: [Double]

  /// A logistic fit in one variable by Newton's method. O(rows).
  init(_ logits: [Double], _ rows: FoldedRows) {
    func total(_ value: (Int) -> Double) -> Double {
      var sum = 0.0
      for i in logits.indices { sum += (rows.weights?[i] ?? 1) * value(i) }
      return sum
    }
    func loss(_ i: Int, _ a: Double, _ b: Double) -> Double {
      let eta = a + b * logits[i]
      return SigmoidKernel.softplus(eta) - rows.labels[i] * eta
    }
    let weight = total { _ in 1 }
    logLoss = total { loss($0, 0, 1) } / weight
    var (a, b) = (0.0, 1.0)
    var best = logLoss
    for _ in 0..<20 {
      var gradient = (0.0, 0.0)
      var hessian = (1e-9, 0.0, 1e-9)
      for i in logits.indices {
        let w = rows.weights?[i] ?? 1
        let p = SigmoidKernel.sigmoid(a + b * logits[i])
        let (r, h) = (w * (p - rows.labels[i]), w * p * (1 - p))
        gradient.0 += r
        gradient.1 += r * logits[i]
        hessian.0 += h
        hessian.1 += h * logits[i]
        hessian.2 += h * logits[i] * logits[i]
      }
      let determinant = hessian.0 * hessian.2 - hessian.1 * hessian.1
      let da = (hessian.2 * gradient.0 - hessian.1 * gradient.1) / determinant
      let db = (hessian.0 * gradient.1 - hessian.1 * gradient.0) / determinant
      let next = total { loss($0, a - da, b - db) } / weight
      guard next < best - 1e-12 else { break }
      (a, b, best) = (a - da, b - db, next)
    }
    mean = best
    losses = logits.indices.map { loss($0, a, b) }
  }

  /// The weighted mean of what this saves against `other`, and its standard error.
  func gain(over other: HeldOutLoss, _ rows: FoldedRows) -> (Double, standardError: Double) {
    let gain = other.mean - mean
    var square = 0.0
    var weight = 0.0
    for i in losses.indices {
      let w = rows.weights?[i] ?? 1
      let d = w * (other.losses[i] - losses[i] - gain)
      square += d * d
      weight += w
    }
    return (gain, square.squareRoot() / weight)
  }
}

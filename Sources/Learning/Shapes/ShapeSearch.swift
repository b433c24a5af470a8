import Foundation

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
    /// Of each problem.
    let penalties: [[Double]]
    var loss: HeldOutLoss { candidate.loss }
    var trial: Int { candidate.trial }
  }

  // MARK: columns of one source

  /// The best penalty of a design without pairs, adapted to its sources while that pays.
  mutating func mains(
    _ kind: ShapedFit.Trial.Kind, _ design: Design, _ progress: (ShapedFit.Trial) -> Void
  ) -> Mains {
    var mains = path(kind, design, progress)
    for _ in 0..<ShapeRecipe.adaptations {
      let next = adapted(kind, mains, progress)
      if next.trial == mains.trial { break }
      mains = next
    }
    return mains
  }

  /// The λ path, down while held-out loss falls.
  private mutating func path(
    _ kind: ShapedFit.Trial.Kind, _ design: Design, _ progress: (ShapedFit.Trial) -> Void
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
    return Mains(
      candidate: candidate, ridge: ridge, states: states,
      penalties: [[Double]](repeating: candidate.penalties, count: ridge.problems))
  }

  /// The same columns with each source's penalty by what it did in the fit before, in every problem by
  /// its own fit: sources that did little are held back, those that did much are let go.
  private mutating func adapted(
    _ kind: ShapedFit.Trial.Kind, _ mains: Mains, _ progress: (ShapedFit.Trial) -> Void
  ) -> Mains {
    let design = mains.candidate.design
    let ridge = mains.ridge
    let unit = mains.candidate.penalties.map { $0 / mains.candidate.lambda }
    let factors = mains.states.map { state in
      adaptiveFactors(state.theta, design.columns.map(\.source), unit)
    }
    var states = mains.states
    var grams: [FoldedRidge<Float>.Gram] = []
    var best = mains
    var worse = 0
    for step in 0..<7 {
      let lambda = mains.candidate.lambda * pow(10, 1 - 0.5 * Double(step))
      let penalties = factors.map { $0.map { $0 * lambda } }
      solve(ridge, penalties, from: &states, &grams)
      let heldOut = rows.heldOut(states.map(\.predictors))
      let loss = HeldOutLoss(heldOut, rows)
      let index = record(kind, pairs: 0, lambda, 0, loss, against: best.loss, progress)
      if best.loss.mean <= loss.mean {
        worse += 1
        if worse == 2 { break }
        continue
      }
      worse = 0
      best = Mains(
        candidate: Candidate(
          design: design, penalties: penalties[ridge.problems - 1],
          theta: states[ridge.problems - 1].theta, heldOut: heldOut, loss: loss, lambda: lambda,
          trial: index), ridge: ridge, states: states, penalties: penalties)
    }
    return best
  }

  private func adaptiveFactors(_ theta: [Double], _ sources: [Int], _ unit: [Double]) -> [Double] {
    var size = [Double](repeating: 0, count: (sources.last ?? 0) + 1)
    var count = size
    for (j, source) in sources.enumerated() {
      size[source] += unit[j] * theta[j] * theta[j]
      count[source] += 1
    }
    for source in size.indices where count[source] > 0 { size[source] /= count[source] }
    let mean = size.reduce(0, +) / Double(max(1, count.filter { $0 > 0 }.count))
    return sources.indices.map { j in unit[j] / (size[sources[j]] / mean + 0.1) }
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
    let mostPasses = 25
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
    of mains: Mains, _ progress: (ShapedFit.Trial) -> Void
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
      let penalties = zip(mains.penalties, isChosen).map { mains, isChosen in
        mains + isChosen.map { $0 ? lambda : .infinity }
      }
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

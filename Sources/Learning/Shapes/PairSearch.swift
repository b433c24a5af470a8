extension ShapeSearch {
  /// The best of the columns alone and of them with more and more pairs; a step up the ladder is
  /// kept if it lowers the held-out loss by more than the standard error of that.
  mutating func pairs(
    of mains: Mains, atMost most: Int, _ progress: (ShapedFit.Trial) -> Void
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
    for (step, rung) in ShapeRecipe.ladder.enumerated() where rung.count <= most {
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

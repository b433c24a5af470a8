extension ShapeSearch {
  /// The best of the columns alone and of them with more and more pairs; a step up the ladder is
  /// kept if it lowers the held-out loss by more than the standard error of that.
  mutating func pairs(
    of mains: Mains, atMost most: Int, _ progress: (ShapedFit.Trial) -> Void
  ) -> Candidate {
    var current = mains.candidate
    let design = current.design
    guard design.columns.last?.source != design.columns.first?.source else { return current }
    let screen = PairScreen(mains.ridge.tiles, threads: threads)
    let rankings = (0..<mains.ridge.problems).map { problem in
      screen.ranking(
        problem: problem, theta: mains.states[problem].theta,
        predictors: mains.states[problem].predictors, threshold: ShapeRecipe.pairThreshold,
        limit: 60_000)
    }
    var rung = Rung(candidate: current, pairs: [], states: mains.states, step: 0)
    for (step, size) in ShapeRecipe.ladder.enumerated() where size.count <= most {
      let chosen = rankings.map { $0.best(size.count, perSources: size.perSources) }
      let union = Set(chosen.joined()).sorted()
      guard union.count > rung.pairs.count, union.count * rows.count <= ShapeRecipe.mostProducts
      else { break }
      let next = pairs(
        size.count, chosen, screen.products(of: union), mains, after: rung, progress)
      let (gain, error) = next.candidate.loss.gain(over: current.loss, rows)
      if gain > error {
        rung = next
        current = next.candidate
        kept = current.trial
      } else if step > 0 {
        break
      }
    }
    return current
  }

  /// What one step of the ladder came to.
  private struct Rung {
    let candidate: Candidate
    let pairs: [DesignPair]
    let states: [FoldedRidge<Float>.State]
    /// Of its λ, in `ShapeRecipe.pairLambdas`.
    let step: Int
  }

  /// The best penalty for some pairs, while held-out loss falls, from one step stronger on than what
  /// fewer pairs took; they are also where the coefficients start.
  private mutating func pairs(
    _ count: Int, _ chosen: [[PairScreen.Pair]], _ union: [DesignPair], _ mains: Mains,
    after before: Rung, _ progress: (ShapedFit.Trial) -> Void
  ) -> Rung {
    let main = mains.candidate
    let p = main.penalties.count
    let ridge = ridge(of: main.design.with(pairs: union), Float.self)
    let isChosen = chosen.map { pairs in
      let members = Set(pairs)
      return union.map { members.contains(.init(first: $0.first, second: $0.second)) }
    }
    var known: [PairScreen.Pair: Int] = [:]
    for (k, pair) in before.pairs.enumerated() {
      known[.init(first: pair.first, second: pair.second)] = p + k
    }
    let places = union.map { known[.init(first: $0.first, second: $0.second)] }
    var states = zip(before.states, isChosen).map { state, isChosen in
      let theta = state.theta
      return FoldedRidge<Float>.State(
        theta: theta[..<p] + zip(places, isChosen).map { $1 ? $0.map { theta[$0] } ?? 0 : 0 }
          + theta.suffix(1))
    }
    var grams: [CurvatureGram] = []
    var best: Rung?
    for step in max(0, before.step - 1)..<ShapeRecipe.pairLambdas.count {
      let lambda = ShapeRecipe.pairLambdas[step]
      let penalties = zip(mains.penalties, isChosen).map { mains, isChosen in
        mains + isChosen.map { $0 ? lambda : .infinity }
      }
      solve(ridge, penalties, from: &states, &grams)
      let heldOut = rows.heldOut(states.map(\.predictors))
      let loss = HeldOutLoss(heldOut, rows)
      let index = record(
        .pairs, pairs: count, main.lambda, lambda, loss, against: before.candidate.loss, progress)
      if let best, best.candidate.loss.mean <= loss.mean { break }
      let full = ridge.problems - 1
      let used = union.indices.filter { isChosen[full][$0] }
      let theta = states[full].theta
      best = Rung(
        candidate: Candidate(
          design: main.design.with(pairs: used.map { union[$0] }),
          penalties: main.penalties + [Double](repeating: lambda, count: used.count),
          theta: theta[..<p] + used.map { theta[p + $0] } + theta.suffix(1), heldOut: heldOut,
          loss: loss, lambda: main.lambda, trial: index), pairs: union, states: states,
        step: step)
      // Clearly behind what fewer pairs did under such a penalty.
      let (gain, error) = loss.gain(over: before.candidate.loss, rows)
      if !before.pairs.isEmpty, gain < -2 * error { break }
    }
    return best ?? before
  }

  /// The candidate fitted to all rows in float64, to max |∂F| ≤ 1e-9.
  func finished(_ candidate: Candidate, _ data: LogisticData) throws(LearningError) -> ShapedFit {
    let tolerance = 1e-9
    let ridge = ridge(of: candidate.design, Double.self)
    let full = rows.folds.count
    let penalties = [[Double]](repeating: candidate.penalties, count: full + 1)
    let solver = FoldedSolver(ridge: ridge, penalties: penalties)
    var states = ridge.evaluate([(full, candidate.theta)], penalties: penalties)
    var passes = 1
    for _ in 0..<8 where states[0].maxGradient > tolerance {
      let grams = solver.sharedGram(at: states)
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

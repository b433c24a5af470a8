import Detraction
import Histories
import Learning
import TestSupport
import Testing

/// The few whom an engine names, ranked again: in the places that they have among all, or not at all.
@Suite struct CensusTests {
  private struct Night {
    let version: ModelVersion
    let whole: Scorer

    init() throws {
      let sample = try SampleTraining.shared.get()
      // Columns of few values, so that there are ties.
      var model = try ScoreStagesTests.trained.get()
      for (column, made) in model.design.columns.enumerated() {
        switch made.basis {
        case .missing, .nonzero, .step, .level, .pooled: continue
        case .linear, .log1p, .hinge, .logHinge: model.coefficients[column] = 0
        }
      }
      version = ModelVersion(version: "x", model: model, knownDetractors: [])
      whole = try sample.scorer(version, asOf: ScoreStagesTests.asOf)
    }

    /// Of the ranking's places what an engine would say, by the definition: accounts of a higher logit.
    func candidates(_ places: [Int]) -> [(account: String, candidate: Census.Candidate)] {
      places.map { place in
        let own = whole.ranking[place]
        return (
          whole.base.account(Int(own.account)),
          Census.Candidate(
            logit: own.logit, above: whole.ranking.count { $0.logit > own.logit })
        )
      }
    }

    func scorer(
      _ candidates: [(account: String, candidate: Census.Candidate)]
    ) throws(DetractionError) -> Scorer {
      try Scorer(
        version: version, base: whole.base, asOf: whole.asOf, sayable: [],
        census: Census(counts: whole.counts, candidates: candidates), threads: 2)
    }
  }

  @Test func candidatesStandInTheirPlacesAmongAll() throws {
    let night = try Night()
    let logits = night.whole.ranking.map(\.logit)
    let ties = zip(logits, logits.dropFirst()).count { $0 == $1 }
    #expect(ties > 20 && Set(logits).count > 20)
    // As an engine names them: with all of their equals.
    let border = logits[logits.count / 5]
    let places = logits.indices.filter { logits[$0] >= border || $0 % 97 == 0 }
      .flatMap { place in logits.indices.filter { logits[$0] == logits[place] } }
    let unique = Set(places).sorted()
    let part = try night.scorer(night.candidates(unique))
    #expect(part.counts == night.whole.counts && part.isOfCandidates)
    #expect(part.ranking.map(\.account) == unique.map { night.whole.ranking[$0].account })
    #expect(part.ranking.map(\.rank) == unique.map { $0 + 1 })
    let percentiles = try part.scores(at: unique.indices).map(\.percentile)
    #expect(percentiles == (try night.whole.scores(at: unique).map(\.percentile)))
  }

  @Test func anEngineThatDiffersEndsTheNight() throws {
    let night = try Night()
    let good = night.candidates(Array(0..<50))
    for (difference, isAllowed) in [
      (0, true), (2e-10, true), (5e-9, false), (-5e-9, false), (1e-4, false),
    ] {
      var candidates = good
      let scale = max(1, abs(candidates[17].candidate.logit))
      candidates[17].candidate.logit += difference * scale
      let scorer = try? night.scorer(candidates)
      #expect((scorer != nil) == isAllowed, "\(difference)")
    }
    // Somebody who is not silent, or not there.
    let stranger = [("nobody", Census.Candidate(logit: 0, above: 0))]
    #expect(throws: DetractionError.self) { try night.scorer(good + stranger) }
  }
}

import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// What an experiment was set up to show, kept from its first night on.
struct RegistrationTests {
  private static let stays = OutcomeMeasure(
    name: "stays", measure: .happens(event: "cancellation", wanted: false), horizonDays: 90)
  private static let spends = OutcomeMeasure(
    name: "spends", measure: .sum(event: "order"), horizonDays: 60)
  private static let content = OutcomeMeasure(
    name: "content", measure: .nextFeedback, horizonDays: 30)

  private func experiment(
    _ seed: String = "spring", holdout: Double = 0.2, days: Int = 90,
    outcomes: [OutcomeMeasure]? = nil
  ) -> Experiment {
    Experiment(
      seed: seed, starts: monday, ends: monday.adding(days: days), holdout: holdout,
      exploration: 2, outcomes: outcomes)
  }

  @Test(arguments: StoreKind.allCases)
  func theFirstNightsDefinitionStays(_ kind: StoreKind) throws {
    guard let store = try kind.fresh()?.store() else { return }
    func night(_ asOf: Instant, _ experiment: Experiment) throws {
      _ = try store.publish(asOf: asOf) { work in
        var night = Base(3).night(settings(), work, at: asOf)
        night.experiment = experiment
        return night
      }
    }
    let all = [Self.stays, Self.spends, Self.content]
    let first = experiment(outcomes: all)
    try night(monday, first)
    try night(date("2026-03-03"), experiment(holdout: 0.5, days: 200, outcomes: [Self.content]))
    #expect(try store.experiments() == [first])
    #expect(try store.openWork(asOf: date("2026-03-04")).experiments == [first])
    // One that began before outcomes were registered.
    try night(date("2026-03-04"), experiment("old"))
    #expect(try store.experiments().first { $0.seed == "old" }?.outcomes == nil)
  }

  @Test func anEditIsSaidAndChangesNothing() {
    let was = experiment(outcomes: [Self.stays, Self.spends])
    var sooner = Self.stays
    sooner.horizonDays = 30
    #expect(was.outcomes(project: [sooner, Self.content]) == [Self.stays, Self.spends])
    #expect([was].registered(experiment(holdout: 0.4)) == was)
    #expect([was].registered(experiment("next")) == experiment("next"))
    #expect([was].registered(nil) == nil)

    func edits(_ project: Experiment?, _ outcomes: [OutcomeMeasure], _ day: String) -> [String] {
      [was].edits(project: project, outcomes: outcomes, at: date(day), zone: berlin)
    }
    #expect(edits(experiment(), [Self.stays, Self.spends], "2026-03-09").isEmpty)
    let said = edits(
      experiment(holdout: 0.4, days: 30), [sooner, Self.content], "2026-03-09")
    for part in [
      "its end is 2026-04-01 in the project file, and 2026-05-31 was registered",
      "`holdout` is 0.4 in the project file, and 0.2 was registered",
      "stays is \"no cancellation within 30 days\" in the project file, and \"no cancellation within "
        + "90 days\" was", "spends is gone in the project file",
      "content was not registered, so that it is not read",
    ] { #expect(said.contains { $0.contains(part) }, "\(part): \(said)") }
    #expect(said.count == 5 && said.allSatisfy { $0.contains("a change needs a new seed") })
    // Gone from the file while it runs; no word once it is over.
    #expect(edits(nil, [], "2026-03-09")[0].contains("no longer has it"))
    #expect(edits(experiment("next"), [], "2026-03-09").count == 1)
    #expect(edits(experiment("next"), [], "2026-08-01").isEmpty)
  }

  @Test func whereNothingWasRegisteredTheFileIsRead() {
    for outcomes in [nil, []] as [[OutcomeMeasure]?] {
      let was = experiment(outcomes: outcomes)
      #expect(was.outcomes(project: [Self.stays]) == [Self.stays])
      let said = was.edits(project: experiment(), outcomes: [Self.stays], zone: berlin)
      #expect(said.count == (outcomes == nil ? 0 : 1))
    }
  }
}

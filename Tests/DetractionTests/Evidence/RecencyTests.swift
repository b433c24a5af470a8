import Detraction
import Foundation
import Histories
import Learning
import TestSupport
import Testing

/// Surveys that follow an order: looked at on calendar dates, respondents are not given away by how
/// lately they ordered; looked at on the day of their survey, they would be.
@Suite struct RecencyTests {
  /// 2,000 accounts that order every 40 days on average over 500 days; a tenth of the orders bring an
  /// answer the day after.
  private func project() throws -> ProjectFile {
    let folder = try temporaryFolder()
    var random = SplitMix64(9)
    var events = "account,at,kind,value\n"
    let start = Instant(asOf: "2025-01-01", zone: .utc)!
    for account in 0..<2_000 {
      var day = 0.0
      while true {
        day -= 40 * log(1 - random.uniform())
        guard day < 499 else { break }
        let at = start.adding(days: Int(day))
        events += "a\(account),\(at),order,\n"
        if random.uniform() < 0.1 {
          events += "a\(account),\(at.adding(days: 1)),nps,\(random.below(11))\n"
        }
      }
    }
    try Data(events.utf8).write(to: folder.appendingPathComponent("events.csv"))
    try Data(
      """
      [[events]]
      path = "events.csv"
      account = "account"
      at = "at"
      kind = "kind"
      value = "value"
      [feedback]
      [[feedback.signal]]
      kind = "nps"
      detractor = { at_most = 6 }
      [training]
      snapshots = { every_days = 30, count = 6 }
      """.utf8
    ).write(to: folder.appendingPathComponent("tacit.toml"))
    return try ProjectFile(path: folder.appendingPathComponent("tacit.toml").path)
  }

  @Test func snapshotsKeepTheSurveyOut() throws {
    let file = try project()
    let settings = HistorySettings(project: file)
    let feedback = try #require(FeedbackSettings(project: file))
    let training = TrainingSettings(project: file)
    let base = try HistoryBase.read(settings, roles: feedback.roles, threads: 2)
    let asOf = Instant(asOf: "2026-05-16", zone: .utc)!
    let schema = try base.schema(settings.features, asOf: asOf)
    #expect(!schema.recency.isEmpty)
    let found = TrainingRows(base: base, feedback: feedback, training: training, asOf: asOf)
    let silent = SilentPopulation(base: base, feedback: feedback, asOf: asOf)

    func response(_ rows: [VectorRow]) throws -> ResponseRows {
      let values = try base.vectors(schema, rows: rows, threads: 2)
      return try ResponseRows(
        raw: Matrix(rows: rows.count, columns: schema.count, elements: values),
        customers: rows.map { AccountHash.of(base.account(Int($0.account))) })
    }
    func overlap(_ respondents: [VectorRow]) throws -> Overlap {
      try ResponseStudy(
        respondents: response(respondents),
        silent: response(silent.accounts.map { VectorRow(account: Int32($0), asOf: asOf) }),
        sources: schema.designSources, names: schema.names, recency: schema.recency, threads: 2
      ).overlap
    }
    let atSnapshots = try #require(
      try overlap(
        found.rows.map {
          VectorRow(account: Int32($0.account), asOf: found.snapshots[$0.snapshot])
        }
      ).recencyAUC?.value)
    let surveyed = try found.rows.map { row in
      let start = found.snapshots[row.snapshot].adding(days: training.gapDays)
      let spoken = try #require(base.feedback(row.account).first { $0.at >= start })
      return VectorRow(account: Int32(row.account), asOf: spoken.at)
    }
    let atSurveys = try #require(try overlap(surveyed).recencyAUC?.value)
    #expect(abs(atSnapshots - 0.5) < 0.06, "\(atSnapshots)")
    #expect(atSurveys > 0.8, "\(atSurveys)")
  }
}

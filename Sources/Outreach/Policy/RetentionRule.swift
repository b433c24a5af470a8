import Histories

/// `[retention]`: for how many days what is no longer needed is kept.
package struct RetentionRule: Sendable, Equatable {
  /// What nights decided about accounts, so that a customer who asks a year later is told why; the newest
  /// 60 runs keep theirs whatever their age, since the next night compares its volume with them.
  package var decisionsDays = 400
  /// Score files, drift and shadow nights, each as large as the base; and quarantined rows.
  package var filesDays = 90
  /// Of closed cases: notes, whom to talk to, what was said. Two years show whether help lasted.
  package var closedCaseDays = 730
  /// Posts that were delivered: long enough to look into a receiver that lost some.
  package var deliveredDays = 30

  package init() {}

  /// `horizons`: of the outcomes, in days. The score file of a night is read when its horizon is over, so
  /// that files stay for the longest of them and 28 days more.
  init(_ table: ProjectTable?, horizons: [Int]) {
    if let table {
      table.allow(["decisions_days", "files_days", "closed_case_days", "delivered_days"])
      func days(_ key: String, _ usual: Int) -> Int {
        table.value(key) == nil ? usual : table.integer(key, in: 1...36_500) ?? usual
      }
      decisionsDays = days("decisions_days", decisionsDays)
      filesDays = days("files_days", filesDays)
      closedCaseDays = days("closed_case_days", closedCaseDays)
      deliveredDays = days("delivered_days", deliveredDays)
    }
    filesDays = max(filesDays, horizons.max().map { $0 + 28 } ?? 0)
  }
}

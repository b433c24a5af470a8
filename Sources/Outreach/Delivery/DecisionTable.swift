extension Night {
  /// What was decided, a row an account: `account_id,decision,queue,rank,probability`; who spoke and is
  /// answered comes last, without rank.
  package var decisionTable: ExportTable {
    ExportTable(
      columns: [
        .init("account_id", .text), .init("decision", .text), .init("queue", .text),
        .init("rank", .integer), .init("probability", .number),
      ],
      rows: plan.decisions.map {
        [
          .text($0.id), .text($0.disposition.rawValue), ExportCell($0.queue?.name),
          .integer(Int64($0.rank)), .number($0.probability),
        ]
      }
        + cases.filter { $0.form == .voiced }.map {
          [.text($0.account), .text("voiced"), .text($0.queue), .none, .none]
        })
  }
}

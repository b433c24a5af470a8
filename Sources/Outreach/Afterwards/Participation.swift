import Foundation
package import Histories

/// How a former detractor agreed to take part.
package enum Participation: String, Sendable, Codable, CaseIterable {
  case advise, pilot, story
  case useCase = "use_case"
  case referral

  package var meaning: String {
    switch self {
    case .advise: "be asked what they think of changes"
    case .pilot: "try changes first"
    case .story: "be asked for a story of how it went"
    case .useCase: "have their use of it written down"
    case .referral: "be asked to recommend us"
    }
  }
}

extension CaseStore {
  /// Records what an account agreed to; it hangs on the case that was resolved last. Twice is once.
  /// - Throws: `refused` where no case of the account closed as resolved.
  package func takePart(
    _ account: String, in kind: Participation, by actor: String, at now: Instant
  ) throws(OutreachError) {
    try writing { db in
      let account = try SQLValue(account)
      guard
        let row = try db.row(StoreSQL.newestResolved + self.database.dialect.forUpdate, [account])
      else {
        throw OutreachError.refused(
          "no case of this account closed as resolved: ask those whose matter was put right to "
            + kind.meaning)
      }
      let standing = try db.rows(StoreSQL.takingPart, [account]).contains {
        try $0.text(1) == kind.rawValue
      }
      if standing { return }
      try db.execute(
        StoreSQL.takePart,
        [
          SQLValue(try Case(row).number), .text(kind.rawValue), SQLValue(now.microseconds),
          try SQLValue(actor),
        ])
    }
  }

  /// Whether there was such a consent.
  package func leave(
    _ account: String, _ kind: Participation, by actor: String, at now: Instant
  ) throws(OutreachError) -> Bool {
    try writing { db in
      try db.execute(
        StoreSQL.revokePart,
        [
          SQLValue(now.microseconds), try SQLValue(actor), .text(kind.rawValue),
          try SQLValue(account),
        ]) > 0
    }
  }

  /// Those who agreed, a row an account in the order of its case. Who is on hold or `refused` is left
  /// out.
  package func participants(
    _ kind: Participation, at now: Instant, reach: Reach = Reach(),
    refused: (String) -> Bool = { _ in false }
  ) throws(OutreachError) -> ExportTable {
    try reading { db in
      var rows: [[ExportCell]] = []
      var seen: Set<AccountKey> = []
      for row in try db.rows(StoreSQL.participants, [.text(kind.rawValue)]) {
        let given = Instant(microseconds: try row.integer(1))
        guard given <= now,
          let one = try db.row(StoreSQL.standingCase, [.integer(try row.integer(0))]).map(
            Case.init),
          !refused(one.account), try !Self.isHeld(one.account, Hold.Kind.allCases, at: now, db),
          seen.insert(AccountKey(one.account)).inserted
        else { continue }
        rows.append([
          .text(one.account), ExportCell(one.person?.addressed), ExportCell(one.person?.address),
          ExportCell(one.person?.phone), ExportCell(one.person?.preferredChannel),
          .text(kind.rawValue), .instant(given), ExportCell(one.state.closedAt),
          ExportCell(one.state.steps?.cause), ExportCell(one.value), ExportCell(one.segment),
        ])
      }
      return ExportTable(
        columns: [
          .init("account_id", .text), .init("name", .text), .init("email", .text),
          .init("phone", .text), .init("preferred_channel", .text), .init("agreed_to", .text),
          .init("agreed_at", .instant), .init("resolved_at", .instant), .init("cause", .text),
          .init("value", .number), .init("segment", .text),
        ], rows: rows)
    }
  }

  /// Accounts whose newest closed case has a cause or an outcome, for a mail tool: a row an account by
  /// case. Who has an open case or is on hold is left out; who opted out, or is `refused`, has a row with `opt_out` true and
  /// neither name nor address, so that the tool can take them off its own list.
  package func segment(
    where fits: (Case) -> Bool, at now: Instant, reach: Reach = Reach(),
    refused: (String) -> Bool = { _ in false }
  ) throws(OutreachError) -> ExportTable {
    try reading { db in
      var newest: [AccountKey: Case] = [:]
      for row in try db.rows(StoreSQL.closedCases, [SQLValue(now.microseconds)]) {
        let one = try Case(row)
        newest[AccountKey(one.account)] = one
      }
      for row in try db.rows(StoreSQL.openAccounts) { newest[AccountKey(try row.text(0))] = nil }
      let chosen = newest.values.filter(fits)
      var rows: [[ExportCell]] = []
      for var one in chosen.sorted(by: { $0.number < $1.number }) {
        let out =
          try !reach.leaveOut(&one) || refused(one.account)
          || Self.isHeld(one.account, [.optOut], at: now, db)
        if try !out && Self.isHeld(one.account, Hold.Kind.allCases, at: now, db) { continue }
        let person = out ? nil : one.person
        rows.append([
          .text(one.account), .flag(out), ExportCell(person?.addressed),
          ExportCell(person?.address),
          ExportCell(person?.preferredChannel), ExportCell(one.state.steps?.cause),
          ExportCell(one.state.outcome?.rawValue), ExportCell(one.state.closedAt),
          ExportCell(one.segment),
        ])
      }
      return ExportTable(
        columns: [
          .init("account_id", .text), .init("opt_out", .flag), .init("name", .text),
          .init("email", .text), .init("preferred_channel", .text), .init("cause", .text),
          .init("outcome", .text), .init("closed_at", .instant), .init("segment", .text),
        ], rows: rows)
    }
  }
}

extension Person {
  /// Whom a letter goes to, and where: the account's, else the first of its people who may be contacted.
  fileprivate var addressed: String? { email == nil ? contacts?.first?.name ?? name : name }
  fileprivate var address: String? { email ?? contacts?.first?.email }
}

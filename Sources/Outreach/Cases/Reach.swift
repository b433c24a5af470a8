import Histories

/// Who of an account may be contacted, and when: what is asked when a case is taken and when a step
/// is recorded.
package struct Reach: Sendable {
  /// Nil: calls at any time.
  package var calls: CallRules?
  /// Whether a person (first) of an account refuses now; nil of one whom the contacts file lacks.
  package var refuses: @Sendable (_ contact: String, _ account: String) -> Bool?

  package init(
    calls: CallRules? = nil,
    refuses: @escaping @Sendable (_ contact: String, _ account: String) -> Bool? = { _, _ in nil }
  ) {
    self.calls = calls
    self.refuses = refuses
  }

  /// Takes those out of a case who have come to refuse. False where nobody is left of its people.
  func leaveOut(_ open: inout Case) -> Bool {
    guard let people = open.person?.contacts, !people.isEmpty else { return true }
    let account = open.account
    let left = people.filter { refuses($0.contact, account) != true }
    open.person?.contacts = left
    return !left.isEmpty
  }

  /// Throws `refused` for a contact that is not to be recorded: with a person who refuses or who is
  /// none of the account's, or a call outside lawful hours. What the customer began (`inbound`) needs
  /// neither consent nor hour.
  func check(_ action: Action, _ open: Case) throws(OutreachError) {
    let contact = action.detail[Action.contact]
    let isInbound = action.detail[Action.inbound] != nil
    if let contact {
      let people = (open.person?.contacts ?? []).map(\.contact)
      let refusal = refuses(contact, open.account)
      if refusal == true, action.kind.isTouch, !isInbound {
        let others = people.filter {
          !$0.utf8.elementsEqual(contact.utf8) && refuses($0, open.account) != true
        }
        throw .refused(
          "contact \(contact) has refused to be contacted (do_not_contact in [contacts]): "
            + (others.isEmpty
              ? "nobody else of this case may be contacted, so close it as declined"
              : "contact another: \(others.joined(separator: ", "))")
            + ". If they called you, say --inbound")
      }
      if refusal == nil, !people.contains(where: { $0.utf8.elementsEqual(contact.utf8) }) {
        throw .refused(
          "the account has no contact \(contact)"
            + (people.isEmpty
              ? ": no people of it are known, so leave --contact out"
              : ": known are \(people.joined(separator: ", "))"))
      }
    }
    guard let calls, calls.binds(open), action.kind.isCall, !isInbound,
      !calls.isLawful(open, contact: contact, at: action.at)
    else { return }
    let next = calls.nextLawful(open, contact: contact, at: action.at).map {
      "a call is lawful again from " + CaseListing(zone: $0.zone).timeText($0.instant)
        + " on the customer's clock (\($0.zone.identifier)), "
        + CaseListing(zone: calls.team.zone).timeText($0.instant) + " here"
    }
    throw .refused(
      "no call was lawful then, by the hours of [calls] on the customer's clock: "
        + (next ?? "[calls] leaves no hour within two years")
        + ". Give --now if it was at another time, or --inbound if the customer called")
  }
}

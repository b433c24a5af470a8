extension CaseListing {
  /// What of the practice is done, and what comes next.
  func practiceTexts(_ open: Case, _ practice: Practice) -> [(label: String, text: String)] {
    guard open.isOpen else { return [] }
    var texts: [(String, String)] = []
    let work = open.state.steps
    let steps = practice.steps(of: open).map { step in
      let name = step.rawValue
      return work?.done.contains(step) == true
        ? "\(name) ✓" : work?.skipped.contains(step) == true ? "\(name) left out" : name
    }
    texts.append(
      ("steps", "\(practice.track(of: open).rawValue): " + steps.joined(separator: ", ")))
    if let cause = work?.cause { texts.append(("cause", inert(cause.replacing("_", with: " ")))) }
    if let remedy = work?.remedy { texts.append(("remedy", inert(remedy))) }
    if let promised = work?.promised { texts.append(("promised", "by \(dayText(promised))")) }
    if let days = work?.everyDays {
      texts.append(
        (
          "tell them",
          "every \(days) day\(days == 1 ? "" : "s")"
            + (work?.manner.map { ", by \(inert($0))" } ?? "")
        ))
    }
    if let to = work?.referred { texts.append(("handed to", inert(to))) }
    if let next = practice.nextStep(of: open) {
      let fields = next.fields(on: practice.track(of: open)).required
      texts.append(
        (
          "next",
          "\(next.rawValue): \(next.meaning)"
            + (fields.isEmpty ? "" : " (" + fields.map(\.rawValue).joined(separator: ", ") + ")")
        ))
    }
    let isPlain = open.account.utf8.allSatisfy {
      ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39)
    }
    texts.append(("to say", "tacit queue script \(isPlain ? open.account : "ACCOUNT")"))
    return texts
  }
}

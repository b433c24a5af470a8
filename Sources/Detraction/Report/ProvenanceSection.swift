import Histories

/// What a version was made from and by whom it was put in force.
enum ProvenanceSection {
  static func section(_ facts: ReportFacts) -> ReportSection {
    let model = facts.model
    var section = ReportSection(id: "provenance", title: "Where it comes from", html: "")
    section.html += HTMLText.table(
      ["what", "value"],
      [
        ["as of", model.asOf.description], ["time zone", model.timeZone],
        ["program", facts.manifest.map { "Tacit \($0.tacit)" } ?? "not recorded"],
        ["processor", model.processor],
        ["data, SHA-256 of all that training saw", model.dataDigest],
        ["project file, SHA-256", model.projectDigest],
      ], isText: true)
    section.html += HTMLText.paragraph(
      "The same program, project file and data give the same model to the bit on the same kind of "
        + "processor; `tacit models show \(facts.version.version) --verify` checks it.",
      class: "note")
    if !facts.history.isEmpty {
      section.html += HTMLText.table(
        ["when", "what", "version", "before", "by", "grade", "why"],
        facts.history.map { change in
          [
            change.at.description, change.action.rawValue + (change.forced ? " by force" : ""),
            change.to, change.from ?? "–", change.by, change.grade ?? "–", change.reason ?? "",
          ]
        }, caption: "Champions of this model", isText: true)
    }
    if let comparison = facts.comparison {
      section.html += HTMLText.paragraph("Against the champion: \(comparison.summary)")
    }
    return section
  }
}

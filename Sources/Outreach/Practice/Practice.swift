import Foundation
package import Histories

/// What the project file says of how cases are worked: `[practice]`, `[[remedy]]` and each queue's
/// `track`.
package struct Practice: Sendable, Equatable {
  /// By queue; `standard` for others.
  package var tracks: [String: Track]
  /// What kind of feedback it is, and what it came from.
  package var forms: [String]
  package var causes: [Cause]
  package var remedies: [Remedy]
  /// Channels in which others read along.
  package var publicChannels: [String]
  /// Tries at different hours before a customer counts as unreached.
  package var attempts: Int
  /// Days after which a customer whose case was resolved is asked again.
  package var followUpDays: Int
  /// How often a customer who did not say so is told of what changes.
  package var updateEveryDays: Int
  /// Accounts that must have spoken for a correction before it is tried.
  package var minimumCases: Int
  /// By which promises are due: the team's.
  package var calendar = BusinessCalendar(zone: .utc)
  /// The queue that works what is for lawyers; nil: the case stays where it is.
  package var legalQueue: String?
  /// What the customers call the company.
  package var company: String?
  /// What is said, by whom it is said to.
  package var playbooks: Playbooks {
    get { chosen ?? Playbooks(usualFor: self) }
    set { chosen = newValue }
  }
  /// Nil: the built-in ones for these forms and causes.
  private var chosen: Playbooks?

  /// What displeasure comes from, as the team says it.
  package struct Cause: Sendable, Equatable {
    package var name: String
    /// For those who choose.
    package var meaning: String

    package init(_ name: String, _ meaning: String) {
      self.name = name
      self.meaning = meaning
    }
  }

  package static let usualForms = [
    "product", "service", "review", "social", "direct", "comparative",
  ]
  package static let usualCauses = [
    Cause("unmet_expectation", "it did what we said, and they had expected more"),
    Cause("quality", "it did not do what we said"),
    Cause("experience", "how it was to deal with us"),
    Cause("improvement_wish", "they want it to do something it does not"),
    Cause("warning_others", "they want others to know"),
    Cause("venting", "they wanted to be heard"),
    Cause("did_not_know", "it can, and they did not know"),
    Cause("needs_training", "it can, and they need to be shown how"),
    Cause("use_case_not_documented", "it can, and nobody wrote down how"),
    Cause("messaging", "we did not say who this is for, and who it is not for"),
    Cause("wrong_seat", "this is not for them, and they are better served elsewhere"),
  ]

  package init(
    tracks: [String: Track] = [:], forms: [String] = Self.usualForms,
    causes: [Cause] = Self.usualCauses, remedies: [Remedy] = [],
    publicChannels: [String] = ["social", "review"], attempts: Int = 3, followUpDays: Int = 30,
    updateEveryDays: Int = 14, minimumCases: Int = 3, legalQueue: String? = nil
  ) {
    self.tracks = tracks
    self.forms = forms
    self.causes = causes
    self.remedies = remedies
    self.publicChannels = publicChannels
    self.attempts = attempts
    self.followUpDays = followUpDays
    self.updateEveryDays = updateEveryDays
    self.minimumCases = minimumCases
    self.legalQueue = legalQueue
  }

  /// How much of the practice a case gets: what was set for it, else what its queue has.
  package func track(of open: Case) -> Track {
    open.state.steps?.track ?? tracks[open.queue] ?? .standard
  }
}

/// One thing that can be offered to put a matter right.
package struct Remedy: Sendable, Equatable {
  package var name: String
  /// As it is offered to the customer.
  package var text: String
  /// In the currency of account values.
  package var cost: Double
  /// Who must approve it before it is given, as an id of the team's; nil: nobody.
  package var approver: String?
  /// How often an account may have it in 365 days; nil: as often as it takes.
  package var yearlyLimit: Int?

  package init(
    name: String, text: String, cost: Double = 0, approver: String? = nil, yearlyLimit: Int? = nil
  ) {
    self.name = name
    self.text = text
    self.cost = cost
    self.approver = approver
    self.yearlyLimit = yearlyLimit
  }
}

extension Practice {
  /// Decodes the sections and reports their problems to the file.
  init(project: ProjectFile, queues: [Queue]) {
    self.init()
    readSections(project, queues)
    readPlaybooks(project)
  }

  private mutating func readSections(_ project: ProjectFile, _ queues: [Queue]) {
    for table in project.root.tables("queue") {
      guard let name = table.string("name"), let text = table.string("track") else { continue }
      guard let track = Track(rawValue: text) else {
        table.report(
          "track", "`track` is \"\(text)\", expected \"light\", \"standard\" or \"strategic\"")
        continue
      }
      tracks[name] = track
    }
    for table in project.root.tables("remedy") {
      table.allow(["name", "text", "cost", "approver", "yearly_limit"])
      guard let name = table.required("name"), let text = table.required("text") else { continue }
      if remedies.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        table.report("name", "two remedies are named `\(name)`: names must differ")
      }
      let cost = table.number("cost") ?? 0
      if cost < 0 { table.report("cost", "`cost` is \(cost), expected 0 or more") }
      remedies.append(
        Remedy(
          name: name, text: text, cost: cost, approver: table.string("approver"),
          yearlyLimit: table.integer("yearly_limit", in: 1...1000)))
    }
    guard let table = project.root.table("practice") else { return }
    table.allow([
      "forms", "causes", "public_channels", "attempts", "follow_up_days", "update_every_days",
      "minimum_cases", "legal_queue", "company", "playbooks",
    ])
    if let names = table.strings("forms") { forms = names }
    if let names = table.strings("causes") {
      causes = names.map { name in
        Self.usualCauses.first { $0.name.utf8.elementsEqual(name.utf8) } ?? Cause(name, "")
      }
    }
    if let names = table.strings("public_channels") { publicChannels = names }
    if let many = table.integer("attempts", in: 1...20) { attempts = many }
    if let days = table.integer("follow_up_days", in: 1...1000) { followUpDays = days }
    if let days = table.integer("update_every_days", in: 1...365) { updateEveryDays = days }
    // One complaint is never enough.
    if let many = table.integer("minimum_cases", in: 2...100_000) { minimumCases = many }
    if let queue = table.string("legal_queue") {
      if queues.contains(where: { $0.name == queue }) {
        legalQueue = queue
      } else {
        table.report("legal_queue", "no queue is named `\(queue)`")
      }
    }
    if table.value("company") != nil { company = table.required("company") }
  }

  /// The folder of the team's playbooks, whether it is there or not: `[practice] playbooks`, by default
  /// `playbooks` beside the project file.
  package static func playbooksFolder(_ project: ProjectFile) -> (path: String, isNamed: Bool) {
    let named = project.root.table("practice")?.string("playbooks")
    return (project.resolve(named ?? "playbooks"), named != nil)
  }

  /// Reads the team's playbooks, once the lists that they name are known.
  private mutating func readPlaybooks(_ project: ProjectFile) {
    let folder = Self.playbooksFolder(project)
    if FileManager.default.fileExists(atPath: folder.path) {
      playbooks = Playbooks(folder: folder.path, self, project: project)
    } else if folder.isNamed {
      project.root.table("practice")?.report(
        "playbooks", "there is no such folder: `tacit playbooks write` makes it")
    }
  }
}

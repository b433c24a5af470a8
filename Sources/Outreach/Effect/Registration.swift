import Detraction
package import Histories

/// What an experiment was set up to show is kept from its first night on: an edit of the project file
/// while it runs neither changes the lot nor what is read, and is said.
extension Experiment {
  /// With what it is set up to show, where that is not registered yet.
  func registering(_ outcomes: [OutcomeMeasure]) -> Experiment {
    var one = self
    one.outcomes = self.outcomes ?? outcomes
    return one
  }

  /// The outcomes that are read of it: those registered with it. The project's own where none was.
  package func outcomes(project: [OutcomeMeasure]) -> [OutcomeMeasure] {
    guard let outcomes, !outcomes.isEmpty else { return project }
    return outcomes
  }

  /// What the project file says otherwise than was registered, in words; empty where they agree, and
  /// where the file's experiment is another one.
  package func edits(
    project: Experiment?, outcomes now: [OutcomeMeasure], zone: LocalTime
  ) -> [String] {
    guard let project, project.seed.utf8.elementsEqual(seed.utf8) else { return [] }
    var edits: [String] = []
    func compare(_ what: String, _ file: String, _ registered: String) {
      if file == registered { return }
      edits.append("\(what) is \(file) in the project file, and \(registered) was registered")
    }
    compare("its start", dayName(project.starts, zone), dayName(starts, zone))
    compare("its end", dayName(project.ends, zone), dayName(ends, zone))
    compare("`holdout`", "\(project.holdout)", "\(holdout)")
    compare("`exploration_per_business_day`", "\(project.exploration)", "\(exploration)")
    if let outcomes, !outcomes.isEmpty {
      for was in outcomes {
        let named = now.first { $0.name.utf8.elementsEqual(was.name.utf8) }
        compare(
          "[[outcome]] \(name(was))", named.map { "\"\(inert($0.words))\"" } ?? "gone",
          "\"\(inert(was.words))\"")
      }
      for new in now
      where !outcomes.contains(where: { $0.name.utf8.elementsEqual(new.name.utf8) }) {
        edits.append("[[outcome]] \(name(new)) was not registered, so that it is not read")
      }
    } else if !now.isEmpty, outcomes != nil {
      edits.append(
        "no [[outcome]] was registered: what is read was named after the experiment began")
    }
    return edits.map {
      "experiment \(clipped(inert(seed), to: 40)): \($0). What was registered when it began stands; "
        + "a change needs a new seed"
    }
  }

  private func name(_ outcome: OutcomeMeasure) -> String { clipped(inert(outcome.name), to: 40) }
}

extension [Experiment] {
  /// As it was registered, where it has begun; else as the project file has it.
  package func registered(_ project: Experiment?) -> Experiment? {
    guard let project else { return nil }
    return first { $0.seed.utf8.elementsEqual(project.seed.utf8) } ?? project
  }

  /// What the project file says otherwise than was registered, over those running at a time.
  package func edits(
    project: Experiment?, outcomes: [OutcomeMeasure], at now: Instant, zone: LocalTime
  ) -> [String] {
    flatMap { (one: Experiment) -> [String] in
      if project?.seed.utf8.elementsEqual(one.seed.utf8) == true {
        return one.edits(project: project, outcomes: outcomes, zone: zone)
      }
      guard one.isRunning(at: now) else { return [] }
      return [
        "experiment \(clipped(inert(one.seed), to: 40)) was registered to run to "
          + "\(dayName(one.ends, zone)), and the project file no longer has it: nobody is left alone "
          + "by it any more"
      ]
    }
  }
}

extension OutcomeMeasure: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, event, happens, sum, feedback
    case horizonDays = "horizon_days"
  }

  /// The keys of `[[outcome]]`, so that what is stored reads like the project file.
  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(name, forKey: .name)
    try object.encode(horizonDays, forKey: .horizonDays)
    switch measure {
    case .happens(let event, let wanted):
      try object.encode(event, forKey: .event)
      try object.encode(wanted, forKey: .happens)
    case .sum(let event):
      try object.encode(event, forKey: .event)
      try object.encode(true, forKey: .sum)
    case .nextFeedback: try object.encode("negative", forKey: .feedback)
    }
  }

  package init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: CodingKeys.self)
    let event = try object.decodeIfPresent(String.self, forKey: .event)
    let measure: Measure =
      if let event {
        if try object.decodeIfPresent(Bool.self, forKey: .sum) == true {
          .sum(event: event)
        } else {
          .happens(event: event, wanted: try object.decode(Bool.self, forKey: .happens))
        }
      } else { .nextFeedback }
    self.init(
      name: try object.decode(String.self, forKey: .name), measure: measure,
      horizonDays: try object.decode(Int.self, forKey: .horizonDays))
  }
}

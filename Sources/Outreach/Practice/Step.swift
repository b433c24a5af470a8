/// One of the steps by which a customer's displeasure is worked, in their order.
///
/// A customer who spoke is heard (acknowledge), asked (engage), helped (correct), kept informed (communicate)
/// and agrees in the end (validate). One who is silent has said nothing: the work begins with a question
/// (ask), and enters the five when the customer speaks.
package enum Step: String, Sendable, Codable, CaseIterable {
  case ask, acknowledge, engage, correct, communicate, validate

  /// What is done in it, for those who do it.
  package var meaning: String {
    switch self {
    case .ask: "ask how things have been, and listen; apologise for nothing that was not raised"
    case .acknowledge: "hear it, apologise, write it down and say it back"
    case .engage: "find out when it happened, what was expected and what came instead; blame nobody"
    case .correct: "offer options, let the customer choose, promise a date that will hold"
    case .communicate: "tell how it goes, in the manner and as often as the customer wants"
    case .validate: "ask whether it is resolved, and thank the customer"
    }
  }

  /// What its record holds: fields that must be there on a track, and those that may.
  package func fields(on track: Track) -> (required: [StepField], optional: [StepField]) {
    let strategic = track == .strategic
    let light = track == .light
    return switch self {
    case .ask: ([.said], [.form])
    case .acknowledge:
      (light ? [.heard, .apologised] : [.heard, .apologised, .saidBack], [.form, .because])
    case .engage:
      (
        [.happened, .expected, .instead, .wanted] + (strategic ? [.plan, .owners, .offer] : []),
        [.circumstances] + (strategic ? [] : [.plan, .owners, .offer])
      )
    case .correct:
      (
        light ? [.chosen, .cause] : [.options, .chosen, .promised, .cause],
        (light ? [.options, .promised] : []) + [.remedy]
      )
    case .communicate: ([.manner, .everyDays], [.update])
    case .validate: ([.agreed], [.thanked, .followUp, .because])
    }
  }
}

/// How much of the practice a case gets.
package enum Track: String, Sendable, Codable, CaseIterable {
  case light, standard, strategic

  /// The steps that a customer who spoke goes through.
  package var steps: [Step] {
    switch self {
    case .light: [.acknowledge, .correct, .validate]
    case .standard, .strategic: [.acknowledge, .engage, .correct, .communicate, .validate]
    }
  }
}

/// One entry of a step's record.
package enum StepField: String, Sendable, Codable, CaseIterable {
  case said, heard, apologised
  case saidBack = "said_back"
  case happened, expected, instead, wanted, circumstances
  case plan, owners, offer
  case options, chosen, remedy, promised, cause, form
  case manner
  case everyDays = "every_days"
  case update, agreed, thanked
  case followUp = "follow_up"
  case because

  package enum Kind: Sendable, Equatable {
    /// The customer's words and matters: kept apart from the log, where erasure can take them out.
    case text
    case yes
    /// yes or no.
    case either
    case date
    case days
    /// One of a list.
    case choice
  }

  package var kind: Kind {
    switch self {
    case .said, .heard, .happened, .expected, .instead, .wanted, .circumstances, .plan, .owners,
      .options, .chosen, .update, .because:
      .text
    case .apologised, .saidBack, .thanked: .yes
    case .agreed: .either
    case .promised, .followUp: .date
    case .everyDays: .days
    case .offer, .remedy, .cause, .form, .manner: .choice
    }
  }

  package var meaning: String {
    switch self {
    case .said: "what the customer answered"
    case .heard: "what the customer said, in the customer's words"
    case .apologised: "yes, when you have apologised for what they raised"
    case .saidBack: "yes, when you have said the details back and they were right"
    case .happened: "when and where it happened"
    case .expected: "what the customer expected"
    case .instead: "what came instead"
    case .wanted: "what they wanted when they bought"
    case .circumstances: "what is special on their side"
    case .plan: "the plan across teams"
    case .owners: "who does what in the plan"
    case .offer: "how they may take part: user_group, advisory_board, event, pilot or none"
    case .options: "the options you offered"
    case .chosen: "the one the customer chose"
    case .remedy: "its name among the project's remedies"
    case .promised: "by when, a date that will hold"
    case .cause: "what it came from, one of the project's causes"
    case .form: "what kind of feedback it is, one of the project's forms"
    case .manner: "how they want to be told: phone, email, message or none"
    case .everyDays: "every how many days they want to hear"
    case .update: "what you told them"
    case .agreed: "yes when the customer says it is resolved, else no"
    case .thanked: "yes, when you have thanked them"
    case .followUp: "when you will ask again"
    case .because: "why it was done in another way"
    }
  }
}

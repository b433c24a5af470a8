import Foundation

/// The built-in playbooks, as the files that `tacit playbooks write` puts down to be edited.
///
/// Professional whatever the customer says, plain, without jargon, without feelings that nobody has;
/// nothing is said that the customer does not know that we know.
enum UsualPlaybooks {
  /// By name and contents, for a team's forms and causes.
  static func files(_ practice: Practice) -> [(name: String, contents: Data)] {
    let texts = [
      ("common.toml", common(practice)),
      ("silent-phone.toml", silentPhone), ("silent-writing.toml", silentWriting),
      ("voiced-angry.toml", voicedAngry), ("voiced-phone.toml", voicedPhone),
      ("voiced-public.toml", voicedPublic), ("voiced-refund.toml", voicedRefund),
      ("voiced-strategic.toml", voicedStrategic), ("voiced-writing.toml", voicedWriting),
    ]
    return texts.map { ($0.0, Data($0.1.utf8)) }
  }

  private static let causeLines = [
    "unmet_expectation":
      "we can go through what you expected and what it does, and find what comes nearest",
    "quality": "we can find out what went wrong and put it right",
    "experience": "I can look after this from here on, so that you need not explain it again",
    "improvement_wish":
      "I can take your wish to the people who build it, and tell you what they decide",
    "warning_others": "we can put right what went wrong, and say openly that we did",
    "venting": "I can listen, and do something only if you want me to",
    "did_not_know": "it can do that already, and I can show you where",
    "needs_training":
      "somebody can show you and your team how it is done, at a time that suits you",
    "use_case_not_documented":
      "we can set it up together once, and I will write down the steps for you",
    "messaging":
      "I can tell you plainly who this is for and who it is not for, so that you can decide",
    "wrong_seat":
      "if something else serves you better, I can help you move there, and we part on good terms",
  ]

  private static func common(_ practice: Practice) -> String {
    var names: [String] = []
    for cause in practice.causes where !names.contains(cause.name) { names.append(cause.name) }
    let options = names.map { name in
      causeLines[name].map { "\(quoted(name)) = \(quoted($0))\n" }
        ?? "# \(quoted(name)) = \"…\"\n"
    }
    return """
      # What every playbook may use. [phrases], [said] and [options] in a playbook come before these.

      # {facts} for customers who have not said anything: what our company did, by kind of event. Only kinds
      # that the project file lists as `sayable` are mentioned, and only with a phrase here. No numbers.
      [phrases]
      late_delivery = "we have been late with deliveries to you"
      outage = "our service has been down at times"
      price_rise = "our prices have gone up"
      ticket_resolved = "you have had to ask our support for help"

      # {facts} for customers who spoke: what they said, by its kind or by the form in the record.
      [said]
      complaint = "your complaint of {date}"
      nps = "the answer you gave to our survey on {date}"
      refund_request = "the refund you asked for on {date}"
      cancellation = "the cancellation you sent us on {date}"
      review = "your review of {date}"
      social = "your post of {date}"
      other = "what you told us on {date}"
      just_now = "what you have told me"

      # {options}: what can be done, by what the matter comes from. The remedies of the project file follow.
      [options]

      """ + options.joined()
  }

  /// A text as TOML writes it.
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let hex = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private static let howItWorks = """

    # Each line is said by itself. A line with {facts}, {options} or {promised} is left out while there is
    # nothing to put in; {name} closes up.

    """

  private static let voicedPhone =
    """
    # A customer who spoke, called back.
    form = "voiced"
    channel = "phone"
    advice = "Let them finish. Write down what they say and say it back before you offer anything."

    """ + howItWorks + """
      [parts]
      empathy = \"""
      Hello {name}, this is {agent} from {company}.
      I am calling about {facts}. Is now a good time, or shall I call again?
      I am sorry that this happened. Thank you for telling us.
      \"""
      facts = \"""
      Please tell me what happened, and when.
      What had you expected, and what came instead?
      What did you want it for when you bought it?
      Let me say back what I have written down, so that you can correct me.
      \"""
      options = \"""
      Here is what is possible: {options}.
      What would put this right for you?
      It will be done by {promised}.
      \"""
      positive_close = \"""
      You will hear from us until this is settled. How would you like to hear, and how often?
      Is there anything that I have left out?
      Thank you for your time, {name}.
      \"""

      """

  private static let voicedWriting =
    """
    # A customer who spoke, answered in writing. It fits wherever no other playbook does.
    form = "voiced"
    advice = "Answer what they wrote, in their words. One letter, one matter."

    """ + howItWorks + """
      [parts]
      empathy = \"""
      Hello {name},
      I am writing about {facts}.
      I am sorry that this happened. Thank you for telling us.
      \"""
      facts = \"""
      So that I have it right: when did it happen, what had you expected, and what came instead?
      You need not repeat what you have written already.
      \"""
      options = \"""
      Here is what is possible: {options}.
      What would put this right for you?
      It will be done by {promised}.
      \"""
      positive_close = \"""
      You will hear from us until this is settled. Please tell us how often, and whether by e-mail or by phone.
      {agent}, {company}
      \"""

      """

  private static let voicedPublic =
    """
    # A customer who posted where others read along: an answer there, and an invitation to speak in private.
    # It comes before every other playbook until both are done.
    form = "voiced"
    public = true
    advice = "In public: no name, no details of theirs, no argument. Then write to them in private."

    """ + howItWorks + """
      [parts]
      public_reply = \"""
      Thank you for saying this openly. We are sorry that it happened.
      We want to put it right, and are writing to you directly.
      {agent}, {company}
      \"""
      invitation = \"""
      Hello {name}, this is {agent} from {company}.
      I am writing about {facts}.
      Would you tell me more, here or on the phone, whichever suits you?
      You need not change or take back anything that you posted.
      \"""

      """

  private static let voicedRefund =
    """
    # A customer who wants their money back, or wants to leave.
    form = "voiced"
    kind = ["refund_request", "refund", "cancellation", "cancellation_request", "cancel"]
    advice = "Do not talk them out of it. Ask once what led to it; a no is an answer."

    """ + howItWorks + """
      [parts]
      empathy = \"""
      Hello {name}, this is {agent} from {company}.
      It is about {facts}. I will not try to talk you out of it.
      I am sorry that it came to this.
      \"""
      facts = \"""
      May I ask what led to it? You need not say.
      What had you expected, and what came instead?
      Let me say back what I have written down, so that you can correct me.
      \"""
      options = \"""
      If you want to stay with your decision, that is fine. I will tell you each step until it is done.
      Besides that, here is what is possible: {options}.
      It will be done by {promised}.
      \"""
      positive_close = \"""
      You will hear from us when it is done. How would you like to hear?
      Thank you for telling us, {name}.
      \"""

      """

  private static let voicedStrategic =
    """
    # A customer who spoke and whose case needs several teams.
    form = "voiced"
    track = "strategic"
    advice = "Call. Write the plan while you speak: each point with an owner and a date."

    """ + howItWorks + """
      [parts]
      empathy = \"""
      Hello {name}, this is {agent} from {company}. I am the one who looks after this here.
      It is about {facts}.
      I am sorry that this happened. Thank you for telling us.
      \"""
      facts = \"""
      Please take me through it: when it happened, what you had expected, and what came instead.
      What did you want to reach when you chose us?
      Who else on your side does it concern, and whom should we speak with?
      Let me say back what I have written down, so that you can correct me.
      \"""
      options = \"""
      Here is what is possible: {options}.
      What would put this right for you?
      I will bring together the people here who are needed, and send you a plan with a name and a date for each point.
      It will be done by {promised}.
      \"""
      positive_close = \"""
      How would you like to hear from us until then, and how often?
      If you want a say in how this gets better, there are ways to take part, and I can tell you about them.
      Thank you for your time, {name}.
      \"""

      """

  private static let voicedAngry =
    """
    # A customer who is angry: nobody knows before, so the agent takes it by its name.
    form = "voiced"
    by_name = true
    advice = "Let them finish. Do not defend, explain or raise your voice. Insults: say once that you want to help, and cannot while they go on. Safety or the law: hand it over (tacit queue refer)."

    """ + howItWorks + """
      [parts]
      empathy = \"""
      I am listening. Please tell me all of it.
      I am sorry that this happened. I will stay with it until you have an answer.
      \"""
      facts = \"""
      Let me make sure that I have it right: what happened, and when?
      What is most urgent for you now?
      \"""
      options = \"""
      Here is what is possible: {options}.
      What would put this right for you?
      If I cannot do what you ask, I will say so, and tell you who can.
      It will be done by {promised}.
      \"""
      positive_close = \"""
      Let me say what I do next, and when you hear from me.
      If you would rather speak with somebody else, I will arrange it.
      Thank you for telling me, {name}.
      \"""

      """

  private static let silentPhone =
    """
    # A customer who has not said anything, called. We ask and listen.
    form = ["predicted", "exploration"]
    channel = "phone"
    advice = "Ask, then wait. Apologise for nothing that they have not raised. If all is well, that is an answer."

    """ + howItWorks + """
      [parts]
      question = \"""
      Hello {name}, this is {agent} from {company}. Is now a good time?
      I would like to ask you one thing: how have things been with us lately?
      \"""
      listening = \"""
      Please go on.
      We know that {facts}. How was that for you?
      What would have made it better?
      Let me say back what I have heard, so that you can correct me.
      \"""
      offer = \"""
      If something should be different, I will see what we can do and call you back with an answer.
      If all is well, that is good to hear, and I will not keep you.
      If you would rather not get such calls, tell me, and there will be none.
      Thank you for your time, {name}.
      \"""

      """

  private static let silentWriting =
    """
    # A customer who has not said anything, asked in writing. It fits wherever no other such playbook does.
    form = ["predicted", "exploration"]
    advice = "One question, no offer yet. Apologise for nothing that they have not raised."

    """ + howItWorks + """
      [parts]
      question = \"""
      Hello {name},
      I would like to ask you one thing: how have things been with us lately?
      We know that {facts}. How was that for you?
      \"""
      listening = \"""
      A line or two is enough. I read every answer myself.
      \"""
      offer = \"""
      If something should be different, tell me, and I will see what we can do.
      If you would rather not get such messages, say so, and there will be none.
      {agent}, {company}
      \"""

      """
}

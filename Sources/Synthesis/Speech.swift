/// Who answers a survey is `Speech`'s. What happens in week w moves the mood from week w + 1 on, so
/// that no event is among its own causes. The truth is the rating's law at the as-of midnight, from
/// the mood as it then stands: what feedback given in the 30 days that follow would most nearly
/// be, were nothing more to happen. Ratings in events.csv were drawn from the same law at their
/// own dates, so respondents' labels can teach P(detractor | history).
struct AccountLife {
  let calendar: Calendar
  let seed: UInt64
  let responseBias: Double
  /// Logins and orders are this multiple of their usual rate.
  let activityScale: Double
  /// The share of incidents that the books show; all of them are felt.
  let recordedShare: Double

  private(set) var events: [LifeEvent] = []
  private(set) var detractorProbability = 0.0
  private(set) var isDetractor = false
  private(set) var responded = false
  private var order: [UInt64] = []
  private var pending = [Double](repeating: 0, count: Calendar.historyWeeks + 1)

  init(
    calendar: Calendar, seed: UInt64, responseBias: Double, activityScale: Double,
    recordedShare: Double
  ) {
    self.calendar = calendar
    self.seed = seed
    self.responseBias = responseBias
    self.activityScale = activityScale
    self.recordedShare = recordedShare
  }

  /// Lives the account: fills `events` (unordered but for `forEachInTime`) and the truth.
  mutating func live(account: Int) -> Traits {
    var attributes = RandomStream(seed: seed, account: account, purpose: .attributes)
    var mood = RandomStream(seed: seed, account: account, purpose: .satisfaction)
    var activity = RandomStream(seed: seed, account: account, purpose: .activity)
    var clock = RandomStream(seed: seed, account: account, purpose: .recording)
    var response = RandomStream(seed: seed, account: account, purpose: .response)
    var truth = RandomStream(seed: seed, account: account, purpose: .truth)
    let traits = Traits(&attributes)
    let weeks = Calendar.historyWeeks
    events.removeAll(keepingCapacity: true)
    for week in 0...weeks { pending[week] = 0 }
    responded = false

    events.append(
      LifeEvent(
        at: calendar.instant(
          daysBefore: traits.tenureDays, second: Self.second(traits, &clock)), kind: .signup,
        channel: UInt8(1 + traits.channel % 2), value: 0))

    let firstWeek = max(0, weeks - (traits.tenureDays - 1) / 7)
    let ageAtFirst = Double(traits.tenureDays / 7 - (weeks - firstWeek))
    var novelty = Law.novelty * Portable.exp(max(0, ageAtFirst) * Portable.log(Law.noveltyMemory))
    var drift = 0.64 * mood.normal()
    var shocks = 0.0
    var failedLastWeek = false
    var lastTicketWeek = -100
    let lateMean = Law.lateRate * traits.lateFrailty * traits.orderHabit.squareRoot()
    let speech = Speech(traits, bias: responseBias)

    for week in firstWeek..<max(firstWeek, weeks) {
      let m = Self.relative(traits.restingMood + novelty + drift - shocks)
      let g = Portable.exp(0.15 * m)
      let season = calendar.season(week: week)

      // Speech, from the mood as it stands.
      let tenureWeeks = traits.tenureDays / 7 - (weeks - week)
      if (week + traits.surveyPhase) % Law.surveyEveryWeeks == 0 {
        let sent = moment(week, traits, &response)
        record(.surveySent, sent, 3)
        let chance = speech.answerChance(
          mood: m, tenureWeeks: tenureWeeks, recentTicket: week - lastTicketWeek <= 8)
        if response.chance(chance) {
          let score = Self.score(Law.detractor - m + traits.hardRater + response.logistic())
          record(.nps, sent + 600 + Int(130_000 * response.exponential()), 3, score)
        }
      }
      let grievance = speech.complaintFactor / (g * g * g * g)
      if response.chance(Law.complaintRate * grievance) {
        record(.complaint, moment(week, traits, &response), UInt8(3 + response.below(3)))
      }
      if response.chance(Law.refundRate * grievance) {
        let cents = 500 + Int(4_000 * response.exponential())
        record(.refundRequest, moment(week, traits, &response), 3, cents)
      }

      // Activity.
      var logins = activityScale * Law.loginRate * traits.loginHabit * g * g * g * season
      if m < -1.5 { logins /= 3 }
      for _ in 0..<activity.poisson(logins) {
        let app = activity.chance(traits.office ? 0.25 : 0.6)
        record(.login, moment(week, traits, &activity), app ? 2 : 1)
      }
      let orders = activityScale * Law.orderRate * traits.orderHabit * g * g * season
      for _ in 0..<activity.poisson(orders) {
        let cents = Int(traits.orderCents * Portable.exp(0.7 * activity.normal()))
        record(.order, moment(week, traits, &activity), UInt8(1 + traits.channel % 2), cents)
      }

      // Incidents, felt from next week on.
      var felt = 0.0
      for _ in 0..<mood.poisson(lateMean * season) {
        let days = 1 + Int(3.2 * mood.exponential())
        felt += traits.sensitivity.late * (1.05 + 0.12 * Double(min(days, 7)))
        book(.lateDelivery, moment(week, traits, &clock), 0, days, &clock)
      }
      let again = failedLastWeek ? Law.paymentAgain : 0
      let failures = mood.poisson(Law.paymentRate * traits.paymentFrailty + again)
      failedLastWeek = failures > 0
      for _ in 0..<failures {
        felt += traits.sensitivity.payment * 1.0
        book(.paymentFailed, moment(week, traits, &clock), 0, traits.annualCents / 12, &clock)
      }
      for _ in 0..<mood.poisson(Law.ticketRate * traits.ticketFrailty / g) {
        lastTicketWeek = week
        let logHours = Law.ticketLogHours + Law.ticketSpread * mood.normal()
        let hours = min(2_500, Portable.exp(logHours) * (traits.plan == 2 ? 0.5 : 1))
        feelTicket(openedIn: week, hours: hours, sensitivity: traits.sensitivity.ticket)
        let opened = moment(week, traits, &clock)
        if recordedShare >= 1 || clock.chance(recordedShare) {
          record(.ticketOpened, opened, UInt8(3 + clock.below(3)))
          record(.ticketResolved, opened + Int(hours * 3_600), 0, Int(hours * 10))
        }
      }
      if tenureWeeks >= 50 && tenureWeeks % 52 == 0 && mood.chance(Law.priceRiseChance) {
        let percent = 3 + mood.below(13)
        felt += 0.085 * Double(percent)
        book(.priceRise, moment(week, traits, &clock), 3, percent, &clock)
      }
      shocks = Law.shockMemory * shocks + felt + pending[week]
      drift = Law.driftMemory * drift + Law.driftNoise * mood.normal()
      novelty *= Law.noveltyMemory
    }

    let m = Self.relative(traits.restingMood + novelty + drift - shocks)
    detractorProbability = Portable.logistic(Law.detractor - m + traits.hardRater)
    isDetractor = truth.chance(detractorProbability)
    return traits
  }

  /// Hands out the events in order of time; ties in the order in which they were lived.
  mutating func forEachInTime(_ body: (LifeEvent) -> Void) {
    order.removeAll(keepingCapacity: true)
    for (place, event) in events.enumerated() {
      order.append(UInt64(event.at) << 28 | UInt64(place))
    }
    order.sort()
    for key in order { body(events[Int(key & 0xFFF_FFFF)]) }
  }

  // MARK: Parts of a week

  private static func relative(_ mood: Double) -> Double {
    min(max(mood - Law.ordinaryMood, -4), 4)
  }

  /// What a waiting ticket adds to each week's shocks: 0.15 at once, then 0.4 · ln(1 + hours/24)
  /// as far as it has waited by the week's end, counted from the beginning of the week it opened.
  private mutating func feelTicket(openedIn week: Int, hours: Double, sensitivity: Double) {
    pending[week] += 0.2 * sensitivity
    var felt = 0.0
    for later in week..<Calendar.historyWeeks {
      let waited = min(hours, 168 * Double(later - week + 1))
      let now = 0.5 * sensitivity * Portable.log(1 + waited / 24)
      pending[later] += now - felt
      felt = now
      if waited >= hours { return }
    }
  }

  /// A moment of a week by the account's weekdays and hours.
  private func moment(_ week: Int, _ traits: Traits, _ random: inout RandomStream) -> Int {
    let day = calendar.dayOfWeek(random.uniform(), office: traits.office)
    return calendar.instant(
      daysBefore: 7 * (Calendar.historyWeeks - week) - day, second: Self.second(traits, &random))
  }

  private static func second(_ traits: Traits, _ random: inout RandomStream) -> Int {
    let spread = (random.uniform() + random.uniform() - 1) * 18_000
    return min(max(traits.busySecond + Int(spread), 0), Calendar.secondsPerDay - 1)
  }

  private mutating func book(
    _ kind: Kind, _ at: Int, _ channel: UInt8, _ value: Int, _ random: inout RandomStream
  ) {
    if recordedShare >= 1 || random.chance(recordedShare) { record(kind, at, channel, value) }
  }

  private mutating func record(_ kind: Kind, _ at: Int, _ channel: UInt8, _ value: Int = 0) {
    guard at < calendar.asOf else { return }
    events.append(LifeEvent(at: at, kind: kind, channel: channel, value: value))
    if kind.isFeedback && at >= calendar.silentSince { responded = true }
  }

  /// The answer 0 ... 10 for a latent displeasure; 6 or less exactly where it is above 0.
  private static func score(_ displeasure: Double) -> Int {
    let steps = [-2.6, -1.5, -0.6, 0, 0.45, 0.95, 1.4, 1.9, 2.5, 3.2]
    var score = 10
    for step in steps where displeasure > step { score -= 1 }
    return score
  }
}

/// Who answers a survey, and who complains.
///
///     logit P(answer) = −4 + 1.4 · outspoken + plan (Basic −0.25, Plus 0.1, Pro 0.45)
///                       + 0.3 · ln(login habit) within ±1 + 0.15 · years a customer, at most 5
///                       + 0.5 · (a ticket within 8 weeks) − bias · b · m
///     b               = plan (Basic 1.3, Plus 0.9, Pro 0.4) · (1.25 in the first year, else 0.9)
///
/// so that the unhappy speak more often, on Basic and early far more so than on Pro. With bias 0
/// answering depends on what features can show and on temperament alone; complaints still come
/// from the unhappy.
struct Speech {
  let base: Double
  let bias: Double
  let complaintFactor: Double

  init(_ traits: Traits, bias: Double) {
    let habit = min(max(Portable.log(traits.loginHabit), -1), 1)
    base =
      Law.answer + Law.outspokenness * traits.outspoken + [-0.25, 0.1, 0.45][traits.plan]
      + 0.3 * habit
    self.bias = bias * [1.3, 0.9, 0.4][traits.plan]
    complaintFactor = Portable.exp(0.5 * traits.outspoken) * [0.9, 1.0, 1.3][traits.plan]
  }

  func answerChance(mood: Double, tenureWeeks: Int, recentTicket: Bool) -> Double {
    let years = min(Double(tenureWeeks) / 52, 5)
    let bias = bias * (tenureWeeks < 52 ? 1.25 : 0.9)
    return Portable.logistic(base + 0.15 * years + (recentTicket ? 0.5 : 0) - bias * mood)
  }
}

/// One account lived from sign-up, or from 104 weeks before the as-of date, to the as-of date.
///
/// Weeks run back from the as-of midnight. In week w, with mood S (log-odds, larger is happier) as
/// it stands when w begins; N is standard normal, m what behaviour follows:
///
///     S        = restingMood − 0.6 · 0.96^(weeks a customer) + drift − shocks
///     m        = S + 1.6, kept within ±4
///     drift    ← 0.94 · drift + 0.22 · N
///     shocks   ← 0.93 · shocks + the weights of the week's incidents
///
///     late deliveries  ~ Poisson(0.040 · frailty · √orderHabit · season);
///                        weight own sensitivity · (0.95 + 0.11 · min(days late, 7))
///     failed payments  ~ Poisson(0.022 · frailty, + 0.35 in the week after one); weight 1.1 · own
///     tickets          ~ Poisson(0.036 · frailty · e^(−0.15 m)); open e^(3 + 1.2 N) hours, on Pro
///                        half; weight own · (0.2 + 0.55 · ln(1 + hours/24)), as it waits
///     price rises      at each year's end with chance ½, 3 to 15 %; weight 0.085 a per cent
///     logins           ~ Poisson(scale · 0.30 · habit · e^(0.45 m) · season), ⅓ below m = −1.5
///     orders           ~ Poisson(scale · 0.11 · habit · e^(0.30 m) · season)
///     survey           every 13 weeks, at a phase of the account's own
///     rating           logit P(6 or less) = −1.6 − m + hardRater      (the law of the truth)
///     complaints       ~ 0.0004 · e^(−0.6 m) · outspokenness a week; refund requests 0.0002
///
/// Who answers a survey is `Speech`'s. What happens in week w moves the mood from week w + 1 on, so
/// that no event is among its own causes. The truth is the rating's law at the as-of midnight, from
/// the mood as it then stands: the probability that a rating given in the label window (30 days from
/// one day on) would be 6 or less, were nothing more to happen. Ratings in events.csv were drawn from the same law at their
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
    var drift = Law.driftDeviation * mood.normal()
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
        felt +=
          traits.sensitivity.late * (Law.lateWeight + Law.lateDayWeight * Double(min(days, 7)))
        book(.lateDelivery, moment(week, traits, &clock), 0, days, &clock)
      }
      let again = failedLastWeek ? Law.paymentAgain : 0
      let failures = mood.poisson(Law.paymentRate * traits.paymentFrailty + again)
      failedLastWeek = failures > 0
      for _ in 0..<failures {
        felt += traits.sensitivity.payment * Law.paymentWeight
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
        felt += Law.priceRiseWeight * Double(percent)
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

  /// What a waiting ticket adds to each week's shocks: 0.2 at once, then 0.55 · ln(1 + hours/24)
  /// as far as it has waited by the week's end, counted from the beginning of the week it opened.
  private mutating func feelTicket(openedIn week: Int, hours: Double, sensitivity: Double) {
    pending[week] += Law.ticketWeight * sensitivity
    var felt = 0.0
    for later in week..<Calendar.historyWeeks {
      let waited = min(hours, 168 * Double(later - week + 1))
      let now = Law.waitingWeight * sensitivity * Portable.log(1 + waited / 24)
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

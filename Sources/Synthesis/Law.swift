/// The laws of the base, in one place: rates a week, log-odds, memory.
enum Law {
  // Satisfaction, in log-odds; larger is happier.
  static let driftMemory = 0.94  // a week; half-life 11 weeks
  static let driftNoise = 0.22  // a week
  static let driftDeviation = 0.64  // = driftNoise / √(1 − driftMemory²), stationary
  static let shockMemory = 0.93  // a week; half-life 10 weeks
  static let novelty = -0.6  // at sign-up, fading
  static let noveltyMemory = 0.96
  /// The mood taken for ordinary: where behaviour has its usual rate.
  static let ordinaryMood = -1.6

  // Incidents a week.
  static let lateRate = 0.040
  static let paymentRate = 0.022
  static let paymentAgain = 0.35
  static let ticketRate = 0.036
  static let priceRiseChance = 0.5  // a year
  static let ticketLogHours = 3.0  // median 20 hours
  static let ticketSpread = 1.2

  // What incidents weigh, in log-odds.
  static let lateWeight = 0.95
  static let lateDayWeight = 0.11  // a day late, up to 7
  static let paymentWeight = 1.1
  static let ticketWeight = 0.2
  static let waitingWeight = 0.55  // times ln(1 + hours/24)
  static let priceRiseWeight = 0.085  // a per cent

  // Activity a week at scale 1.
  static let loginRate = 0.30
  static let orderRate = 0.11

  // Speech.
  static let surveyEveryWeeks = 13
  static let answer = -4.0
  static let outspokenness = 1.4
  static let complaintRate = 0.0004
  static let refundRate = 0.0002
  /// Log-odds of a detractor at the ordinary mood.
  static let detractor = -1.6
  static let silentForDays = 180
}

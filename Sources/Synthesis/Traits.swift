/// What one account is, drawn once and never changed: attributes that accounts.csv shows, and
/// habits, frailties and temperament that nobody sees.
struct Traits {
  static let plans = ["Basic", "Plus", "Pro"]
  static let regions = ["north", "south", "east", "west", "islands", "abroad"]
  static let segments = ["small", "business", "strategic"]

  // Shown.
  let plan: Int
  let region: Int
  let segment: Int
  let seats: Int
  /// Money a year, in cents.
  let annualCents: Int
  let doNotContact: Bool
  let doNotProfile: Bool
  let nameWords: (Int, Int)

  // Lived.
  /// Days before the as-of date on which the account signed up, 1 ... longestTenureDays.
  let tenureDays: Int
  /// Own multiples of the usual rate: log-normal, heavy-tailed.
  let loginHabit: Double
  let orderHabit: Double
  /// Median amount of an order, in cents.
  let orderCents: Double
  let lateFrailty: Double
  let paymentFrailty: Double
  let ticketFrailty: Double
  /// How much a late delivery, a failed payment, a slow ticket annoys this account; mean near 1.
  let sensitivity: (late: Double, payment: Double, ticket: Double)
  /// Where its satisfaction comes to rest, in log-odds, before novelty and incidents.
  let restingMood: Double
  /// Standard normal; above 0 the account speaks up more.
  let outspoken: Double
  /// Log-odds added to a bad rating; above 0 a hard rater.
  let hardRater: Double
  /// True: keeps office days and hours. False: evenings and weekends.
  let office: Bool
  /// Second of the day round which it is active.
  let busySecond: Int
  /// Week of its 13-week survey cycle in which it is invited.
  let surveyPhase: Int
  let channel: Int

  init(_ random: inout RandomStream) {
    let planDraw = random.uniform()
    plan = planDraw < 0.5 ? 0 : planDraw < 0.83 ? 1 : 2
    let regionDraw = random.uniform()
    region = Self.regionShares.firstIndex { regionDraw < $0 } ?? 5
    seats = 1 + Int(Portable.exp([-0.7, 0.6, 1.9][plan] + 0.9 * random.normal()))
    let money =
      [340.0, 820, 2_300][plan] * Portable.exp(0.6 * Portable.log(Double(seats)))
      * Portable.exp(0.55 * random.normal())
    annualCents = Int(money) * 100
    segment = money >= 12_000 ? 2 : money >= 1_500 ? 1 : 0
    doNotContact = random.chance(0.03)
    doNotProfile = random.chance(0.02)
    nameWords = (random.below(Names.first.count), random.below(Names.second.count))

    let age = random.uniform()
    tenureDays = 1 + Int(Double(Calendar.longestTenureDays - 1) * age * (0.35 + 0.65 * age))
    let common = random.normal()
    loginHabit = Portable.exp(0.55 * common + 0.85 * random.normal() - 0.51)
    orderHabit = Portable.exp(0.45 * common + 0.65 * random.normal() - 0.31)
    orderCents = [3_200, 5_500, 12_000][plan]
    lateFrailty =
      [0.75, 0.85, 0.9, 1.0, 1.8, 1.6][region] * Portable.exp(0.6 * random.normal() - 0.18)
    paymentFrailty =
      [1.3, 0.85, 0.5][plan] * Portable.exp(0.8 * random.normal() - 0.32)
    ticketFrailty =
      [0.9, 1.0, 1.35][plan] * Portable.exp(0.6 * random.normal() - 0.18)
    sensitivity = (
      Portable.exp(0.3 * random.normal()), Portable.exp(0.3 * random.normal()),
      Portable.exp(0.3 * random.normal())
    )
    restingMood =
      [-0.45, 0.2, 0.6][plan] + [0.15, 0.05, -0.1, 0.1, -0.15, -0.3][region]
      + 0.1 * Portable.log(Double(seats)) + 0.35 * random.normal()
    outspoken = random.normal()
    hardRater = 0.4 * random.normal()
    office = random.chance([0.25, 0.5, 0.85][plan])
    busySecond = office ? 36_000 + random.below(18_000) : 57_600 + random.below(18_000)
    surveyPhase = random.below(Law.surveyEveryWeeks)
    channel = random.below(3)
  }

  private static let regionShares = [0.28, 0.52, 0.70, 0.88, 0.94, 1.0]
}

/// Words of names that nobody could take for a person's or a firm's.
enum Names {
  static let first = [
    "Amber", "Birch", "Cedar", "Dune", "Ember", "Fern", "Granite", "Heather", "Indigo", "Juniper",
    "Kelp", "Lantern", "Maple", "Nimbus", "Opal", "Pebble", "Quartz", "Reed", "Slate", "Thistle",
  ]
  static let second = [
    "Atelier", "Bakery", "Clinic", "Depot", "Estate", "Foundry", "Gallery", "Harbour", "Institute",
    "Joinery", "Kitchen", "Library", "Mill", "Nursery", "Orchard", "Press",
  ]
}

import Dispatch
import Synchronization

/// A synthetic customer base: what it is made from, and how it is written.
///
/// The base is a function of these values: the same ones give the same bytes, on any number of
/// threads and any processor. Accounts live one by one (`AccountLife` holds the laws), 4,096 to a
/// stripe; stripes are made side by side and written in order.
package struct SyntheticBase: Sendable {
  /// How many accounts, 1 ... 100,000,000.
  package let accounts: Int
  /// How many events, nearly: within 3 % where accounts ≥ 2,000; measured 0.1 to 1.3 %.
  package let events: Int
  /// Names the base; any number.
  package let seed: UInt64
  /// Log-odds by which one unit of displeasure raises an ordinary account's chance of answering
  /// a survey, −3 ... 3; 0 makes answering depend on features and temperament alone.
  package let responseBias: Double
  /// The strength committed before any model was fitted to a base.
  package static let defaultResponseBias = 0.6
  /// The day that histories end before, in Europe/Berlin.
  package static let defaultAsOf = "2026-03-02"

  private let calendar: Calendar

  /// Checks the values.
  ///
  /// - Throws: `SynthesisError.badParameter` or `.badDate`.
  package init(
    accounts: Int, events: Int, seed: UInt64, asOf: String = Self.defaultAsOf,
    responseBias: Double = Self.defaultResponseBias
  ) throws(SynthesisError) {
    guard (1...100_000_000).contains(accounts) else {
      throw .badParameter(name: "accounts", got: "\(accounts)", expected: "1 to 100000000")
    }
    guard (1...100_000).contains(events / accounts) else {
      throw .badParameter(
        name: "events", got: "\(events)", expected: "1 to 100000 for each of \(accounts) accounts")
    }
    guard responseBias.isFinite && abs(responseBias) <= 3 else {
      throw .badParameter(
        name: "response bias", got: "\(responseBias)", expected: "log-odds from -3 to 3")
    }
    self.accounts = accounts
    self.events = events
    self.seed = seed
    self.responseBias = responseBias
    calendar = try Calendar(asOf: asOf)
  }

  /// What was written, and the base's true shares.
  package struct Summary: Sendable, Equatable {
    package var accounts = 0
    package var events = 0
    /// Accounts that gave feedback in the 180 days before the as-of date.
    package var spoke = 0
    /// Accounts whose drawn state is detractor, of all and of those that spoke.
    package var detractors = 0
    package var detractorsWhoSpoke = 0
    /// Bytes of all four files.
    package var bytes = 0

    package init() {}
  }

  /// Writes accounts.csv, events.csv, tacit.toml and truth.csv into a folder, made if absent.
  ///
  /// All four are written beside their names and synced, then renamed, truth.csv last: where it
  /// stands, the base is whole. Takes O(accounts + events) time and memory for two stripes a thread.
  ///
  /// - Throws: `SynthesisError`; nothing of the base is then left in the folder.
  package func write(to folder: String, threads: Int) throws(SynthesisError) -> Summary {
    guard (1...1_024).contains(threads) else {
      throw .badParameter(name: "threads", got: "\(threads)", expected: "1 to 1024")
    }
    let pace = try pace()
    let output = try OutputSet(
      folder: folder, names: ["accounts.csv", "events.csv", "tacit.toml", "truth.csv"])
    let width = max(5, String(accounts).utf8.count)
    var head = StripeText(capacity: 4_096)
    head.accounts.text(
      "account_id,name,plan,region,segment,seats,annual_value,do_not_contact,do_not_profile\n")
    head.events.text("account_id,at,kind,value,channel\n")
    head.project.text(ProjectText.text(accounts: accounts))
    head.truth.text("account_id,as_of,p_detractor,is_detractor,responded\n")
    try head.append(to: output)

    let stripeSize = 4_096
    let stripes = (accounts + stripeSize - 1) / stripeSize
    let next = Atomic<Int>(0)
    let turn = Turnstile()
    DispatchQueue.concurrentPerform(iterations: min(threads, stripes)) { _ in
      var life = AccountLife(
        calendar: calendar, seed: seed, responseBias: responseBias, activityScale: pace.activity,
        recordedShare: pace.recorded)
      var text = StripeText(capacity: stripeSize * 64 * 40)
      while true {
        let stripe = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard stripe < stripes else { return }
        let from = stripe * stripeSize
        let part = text.fill(
          from..<min(accounts, from + stripeSize), life: &life, calendar: calendar, width: width)
        turn.pass(stripe, adding: part) { () throws(SynthesisError) in
          try text.append(to: output)
        }
      }
    }
    var summary = try turn.result()
    summary.bytes = try output.commit()
    return summary
  }

  /// How busy accounts must be, and how much the books must show, for the base to hold `events`.
  ///
  /// Up to 4,096 accounts spread over the base are lived at scale 1 and counted, by the size of what
  /// drives each count: logins to a week of ordinary habit, and so on. Up to 131,072 accounts tell the
  /// base's sizes, from their traits alone (a ratio estimate: habits are heavy-tailed, lives less so).
  /// Logins and orders are then scaled; where less than 0.3 of their usual number would be left, the
  /// books show a part of the incidents only. Surveys and feedback are never thinned.
  private func pace() throws(SynthesisError) -> (activity: Double, recorded: Double) {
    let pilots = min(accounts, 4_096)
    var life = AccountLife(
      calendar: calendar, seed: seed, responseBias: responseBias, activityScale: 1,
      recordedShare: 1)
    var pilotSize = Exposure()
    var counts = Exposure()
    var incidents = 0.0
    for pilot in 0..<pilots {
      pilotSize.add(life.live(account: pilot * accounts / pilots))
      for event in life.events {
        switch event.kind {
        case .login: counts.logins += 1
        case .order: counts.orders += 1
        case .lateDelivery, .paymentFailed, .ticketOpened, .ticketResolved, .priceRise:
          incidents += 1
        case .surveySent, .nps, .complaint, .refundRequest: counts.weeks += 1
        case .signup: break
        }
      }
    }
    let looks = min(accounts, 131_072)
    var size = Exposure()
    for look in 0..<looks {
      var attributes = RandomStream(
        seed: seed, account: look * accounts / looks, purpose: .attributes)
      size.add(Traits(&attributes))
    }
    func expected(_ count: Double, _ of: KeyPath<Exposure, Double>) -> Double {
      let pilot = pilotSize[keyPath: of]
      return pilot > 0 ? count / pilot * size[keyPath: of] : 0
    }
    let busy = expected(counts.logins, \.logins) + expected(counts.orders, \.orders)
    let fixed = Double(looks) + expected(counts.weeks, \.weeks)
    let felt = expected(incidents, \.weeks)
    let wanted = Double(events) * Double(looks) / Double(accounts)
    let least = 0.3
    if wanted >= fixed + felt + least * busy || busy + felt == 0 {
      return (busy > 0 ? max(0, wanted - fixed - felt) / busy : 1, 1)
    }
    let part = (wanted - fixed) / (felt + least * busy)
    guard part > 0.02 else {
      let least = fixed * Double(accounts) / Double(looks)
      throw .tooFewEvents(asked: events, least: Int(least.rounded(.up)))
    }
    return (least * part, part)
  }

  /// What counts of events are in proportion to, summed over accounts.
  private struct Exposure {
    var logins = 0.0
    var orders = 0.0
    var weeks = 0.0

    mutating func add(_ traits: Traits) {
      let lived = Double(min(Calendar.historyWeeks, (traits.tenureDays - 1) / 7))
      logins += traits.loginHabit * lived
      orders += traits.orderHabit * lived
      weeks += lived
    }
  }
}

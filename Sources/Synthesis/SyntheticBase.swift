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
  /// How many events, nearly: within 3 % where accounts ≥ 2,000 (Poisson and the pilot's error).
  package let events: Int
  /// Names the base; any number.
  package let seed: UInt64
  /// Log-odds by which one unit of displeasure raises an ordinary account's chance of answering
  /// a survey, −3 ... 3; 0 makes answering depend on features and temperament alone.
  package let responseBias: Double
  /// The strength committed before any model was fitted to a base.
  package static let defaultResponseBias = 0.6
  /// The least and greatest number of days of history are 1 and 728, before this date.
  package static let defaultAsOf = "2026-03-01"

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
  /// Up to 4,096 accounts spread over the base are lived at scale 1 and counted. Logins and orders
  /// are then scaled; where less than a third of their usual number would be left, the books show
  /// a part of the incidents only. Surveys and feedback are never thinned.
  private func pace() throws(SynthesisError) -> (activity: Double, recorded: Double) {
    let pilots = min(accounts, 4_096)
    var life = AccountLife(
      calendar: calendar, seed: seed, responseBias: responseBias, activityScale: 1,
      recordedShare: 1)
    var busy = 0.0
    var incidents = 0.0
    var fixed = 0.0
    for pilot in 0..<pilots {
      _ = life.live(account: pilot * accounts / pilots)
      for event in life.events {
        switch event.kind {
        case .login, .order: busy += 1
        case .lateDelivery, .paymentFailed, .ticketOpened, .ticketResolved, .priceRise:
          incidents += 1
        case .signup, .surveySent, .nps, .complaint, .refundRequest: fixed += 1
        }
      }
    }
    let share = Double(pilots) / Double(accounts)
    let wanted = Double(events) * share
    let least = 0.3
    if wanted >= fixed + incidents + least * busy || busy + incidents == 0 {
      return (busy > 0 ? (wanted - fixed - incidents) / busy : 1, 1)
    }
    let part = (wanted - fixed) / (incidents + least * busy)
    guard part > 0.02 else {
      throw .tooFewEvents(asked: events, least: Int((fixed / share).rounded(.up)))
    }
    return (least * part, part)
  }
}

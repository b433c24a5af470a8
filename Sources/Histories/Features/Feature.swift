/// One number computed from an account's history as of a date t.
///
/// An event is *seen* as of t when it happened before t and was known before t. Everything below
/// speaks of seen events of one kind, or of any of the schema's kinds where it says so; "never" is
/// an account without one. A missing number is NaN in vectors and an empty cell in files. Days are
/// 86,400 s, fractions kept; dates and hours are local ones in the project's time zone.
///
/// | feature | is | unit, range | never |
/// |---|---|---|---|
/// | `count` | events in the window | events, 0 and up | 0 |
/// | `sum` | sum of their values, those without a value left out | unit of value | 0 |
/// | `mean` | sum ÷ events with a value in the window | unit of value | missing |
/// | `activeDays` | distinct local dates with an event in the window | days, 0 and up | 0 |
/// | `daysSinceLast` | t − the last event | days, above 0 | missing |
/// | `daysSinceFirst` | t − the first event | days, above 0 | missing |
/// | `meanGap` | (last − first) ÷ (events − 1) | days, 0 and up | missing below 2 events |
/// | `lastGapRatio` | (last − last but one) ÷ meanGap | 0 to events − 1 | missing below 3 events, or when all are at one instant |
/// | `trend` | ln(1 + recent rate) − ln(1 + longer rate), rates in events per 30 days of the whole window | no unit, any sign | 0 |
/// | `decayedCount` | Σ 2^(−age ÷ half-life) over all events | events, 0 and up | 0 |
/// | `overdue` | (t − last) ÷ median gap between one event and the next | ratio, above 0 | missing below 3 events, or when the median gap is 0 |
/// | `ownChange` | ln(1 + events in the last window) − ln(1 + mean events of the windows of that length before it), as many as the account's history covers wholly, `earlier` at most | no unit, any sign | 0; missing where no window before is covered |
/// | `valueSlope` | least squares slope of the mean values of `months` bins of 30 days back from t, bins without values left out | value per 30 days | missing below 3 bins with values |
/// | `openCount` | `opened` events that no `resolved` event has closed: each closes the oldest open one, if there is one | events, 0 and up | 0 |
/// | `openAge` | t − the oldest open one | days, above 0 | missing when none is open |
/// | `burst` | the most events of the window within 24 hours of each other (the end exclusive) | events, 0 and up | 0 |
/// | `channelShare` | of the window's events of any kind with a channel, the share by this one | 0 to 1 | missing |
/// | `weekendShare` | of the window's events of any kind, the share on a local Saturday or Sunday | 0 to 1 | missing |
/// | `nightShare` | likewise, from 22:00 to 06:00 local time | 0 to 1 | missing |
/// | `tenure` | t − the first event of any of the schema's kinds | days, above 0 | missing |
/// | `numeric` | the account's attribute | unit of the attribute | missing |
/// | `categorical` | the account's attribute, as its level's place in the schema | a level | missing |
package enum Feature: Hashable, Sendable {
  case count(kind: String, window: Window)
  case sum(kind: String, window: Window)
  case mean(kind: String, window: Window)
  case activeDays(kind: String, window: Window)
  case daysSinceLast(kind: String)
  case daysSinceFirst(kind: String)
  case meanGap(kind: String)
  case lastGapRatio(kind: String)
  case trend(kind: String, recent: Int, longer: Int)
  case decayedCount(kind: String, halfLife: Int)
  case overdue(kind: String)
  case ownChange(kind: String, window: Int, earlier: Int)
  case valueSlope(kind: String, months: Int)
  case openCount(opened: String, resolved: String)
  case openAge(opened: String, resolved: String)
  case burst(kind: String, window: Window)
  case channelShare(channel: String, window: Window)
  case weekendShare(window: Window)
  case nightShare(window: Window)
  case tenure
  case numeric(name: String)
  case categorical(name: String)

  /// The name in files: `order.count.30d`, `order.days_since_last`, `tenure_days`, and an
  /// attribute's own name.
  package var name: String {
    switch self {
    case .count(let kind, let window): "\(kind).count.\(window.name)"
    case .sum(let kind, let window): "\(kind).sum.\(window.name)"
    case .mean(let kind, let window): "\(kind).mean.\(window.name)"
    case .activeDays(let kind, let window): "\(kind).active_days.\(window.name)"
    case .daysSinceLast(let kind): "\(kind).days_since_last"
    case .daysSinceFirst(let kind): "\(kind).days_since_first"
    case .meanGap(let kind): "\(kind).mean_gap"
    case .lastGapRatio(let kind): "\(kind).last_gap_ratio"
    case .trend(let kind, let recent, let longer): "\(kind).trend.\(recent)d_\(longer)d"
    case .decayedCount(let kind, let halfLife): "\(kind).decayed_count.\(halfLife)d"
    case .overdue(let kind): "\(kind).overdue"
    case .ownChange(let kind, let window, let earlier): "\(kind).own_change.\(window)d_\(earlier)"
    case .valueSlope(let kind, let months): "\(kind).value_slope.\(months)x30d"
    case .openCount(let opened, let resolved): "\(opened).open_count.\(resolved)"
    case .openAge(let opened, let resolved): "\(opened).open_age.\(resolved)"
    case .burst(let kind, let window): "\(kind).burst.\(window.name)"
    case .channelShare(let channel, let window): "channel_share.\(channel).\(window.name)"
    case .weekendShare(let window): "weekend_share.\(window.name)"
    case .nightShare(let window): "night_share.\(window.name)"
    case .tenure: "tenure_days"
    case .numeric(let name), .categorical(let name): name
    }
  }

  package var unit: String {
    switch self {
    case .count, .decayedCount, .openCount, .burst: "events"
    case .sum, .mean: "value"
    case .activeDays, .daysSinceLast, .daysSinceFirst, .meanGap, .openAge, .tenure: "days"
    case .lastGapRatio, .overdue: "ratio"
    case .trend, .ownChange: "log ratio"
    case .valueSlope: "value per 30 days"
    case .channelShare, .weekendShare, .nightShare: "share"
    case .numeric: "attribute"
    case .categorical: "level"
    }
  }

  /// The kind of event it is made from (the opened one of a pair); nil for tenure, shares and
  /// attributes.
  package var kind: String? {
    switch self {
    case .count(let kind, _), .sum(let kind, _), .mean(let kind, _), .activeDays(let kind, _),
      .daysSinceLast(let kind), .daysSinceFirst(let kind), .meanGap(let kind),
      .lastGapRatio(let kind), .trend(let kind, _, _), .decayedCount(let kind, _),
      .overdue(let kind), .ownChange(let kind, _, _), .valueSlope(let kind, _),
      .openCount(let kind, _), .openAge(let kind, _), .burst(let kind, _):
      kind
    case .channelShare, .weekendShare, .nightShare, .tenure, .numeric, .categorical: nil
    }
  }

  /// Every kind it looks at by name: `kind`, and the resolved one of a pair.
  package var kindsNamed: [String] {
    switch self {
    case .openCount(let opened, let resolved), .openAge(let opened, let resolved):
      [opened, resolved]
    default: kind.map { [$0] } ?? []
    }
  }
}

extension Feature {
  /// `definition`, then `sql`.
  package var explanation: String { "\(definition). SQL: \(sql)" }

  /// What it is, and what "never" gives, in words.
  package var definition: String {
    switch self {
    case .count(let kind, let window):
      "`\(kind)` events \(window.words); 0 when there is none"
    case .sum(let kind, let window):
      "sum of the values of `\(kind)` events \(window.words); 0 when there is none"
    case .mean(let kind, let window):
      "mean value of the `\(kind)` events with a value \(window.words); missing when there is none"
    case .activeDays(let kind, let window):
      "distinct local dates with a `\(kind)` event \(window.words); 0 when there is none"
    case .daysSinceLast(let kind):
      "days from the last `\(kind)` event to the as-of date; missing when there is none"
    case .daysSinceFirst(let kind):
      "days from the first `\(kind)` event to the as-of date; missing when there is none"
    case .meanGap(let kind):
      "mean days between one `\(kind)` event and the next; missing below two events"
    case .lastGapRatio(let kind):
      "days between the last two `\(kind)` events over the mean gap; missing below three events "
        + "or when all are at one instant"
    case .trend(let kind, let recent, let longer):
      "ln(1 + rate of the last \(recent) days) - ln(1 + rate of the last \(longer) days), rates "
        + "in `\(kind)` events per 30 days; 0 when there is none"
    case .decayedCount(let kind, let halfLife):
      "`\(kind)` events, each counting half as much for every \(halfLife) days of its age; 0 when "
        + "there is none"
    case .overdue(let kind):
      "days since the last `\(kind)` event over the median gap between one and the next: above 1 "
        + "it is late by the account's own habit; missing below three events or when the median "
        + "gap is 0"
    case .ownChange(let kind, let window, let earlier):
      "ln(1 + `\(kind)` events in the last \(window) days) - ln(1 + their mean over the windows of "
        + "\(window) days before those), as many windows as the account's history covers wholly, "
        + "at most \(earlier): the account against its own earlier habit; 0 when there is no such "
        + "event, missing when the history is shorter than two windows"
    case .valueSlope(let kind, let months):
      "by how much the mean value of `\(kind)` events changes in 30 days: least squares over the "
        + "last \(months) stretches of 30 days, those without a value left out; missing below "
        + "three stretches with a value"
    case .openCount(let opened, let resolved):
      "`\(opened)` events that are still open: each `\(resolved)` closes the oldest open one, if "
        + "there is one; 0 when there is none"
    case .openAge(let opened, let resolved):
      "days since the oldest `\(opened)` that no `\(resolved)` has closed, each closing the "
        + "oldest open one; missing when none is open"
    case .burst(let kind, let window):
      "the most `\(kind)` events within any 24 hours \(window.words); 0 when there is none"
    case .channelShare(let channel, let window):
      "share of the channel `\(channel)` in the account's events with a channel "
        + "\(window.words), 0 to 1; missing when there is none"
    case .weekendShare(let window):
      "share of the account's events on a Saturday or Sunday, local time, \(window.words), 0 to "
        + "1; missing when there is none"
    case .nightShare(let window):
      "share of the account's events from 22:00 to 06:00, local time, \(window.words), 0 to 1; "
        + "missing when there is none"
    case .tenure:
      "days from the first event of any of the schema's kinds to the as-of date"
    case .numeric(let name):
      "the account's `\(name)`; missing when the cell is empty or not known yet"
    case .categorical(let name):
      "the account's `\(name)`; missing when the cell is empty, not known yet or of a level that "
        + "the schema does not have"
    }
  }

  /// Its meaning as SQL over one account's `seen(at, kind, value, channel)`: the events with
  /// `at < t` and `known_at < t`, at in UTC. `n days` is n · 86,400 s, `seconds` the length of an
  /// interval, `local_date` and `local_hour` are in the project's time zone, `max_but_one` is the
  /// second largest, ties counted, and `kinds` lists the schema's kinds. The tests run it in DuckDB.
  package var sql: String {
    switch self {
    case .count(let kind, let window): Self.select("count(*)", kind, window)
    case .sum(let kind, let window): Self.select("coalesce(sum(value), 0)", kind, window)
    case .mean(let kind, let window): Self.select("avg(value)", kind, window)
    case .activeDays(let kind, let window):
      Self.select("count(DISTINCT local_date(at))", kind, window)
    case .daysSinceLast(let kind):
      Self.select("seconds(t - max(at)) / 86400", kind)
    case .daysSinceFirst(let kind):
      Self.select("seconds(t - min(at)) / 86400", kind)
    case .meanGap(let kind):
      Self.select("seconds(max(at) - min(at)) / 86400 / nullif(count(*) - 1, 0)", kind)
    case .lastGapRatio(let kind):
      Self.select(
        "CASE WHEN count(*) > 2 THEN seconds(max(at) - max_but_one(at)) "
          + "/ nullif(seconds(max(at) - min(at)) / (count(*) - 1), 0) END", kind)
    case .trend(let kind, let recent, let longer):
      Self.select(
        "ln(1 + 30.0 / \(recent) * count(*) FILTER (WHERE at >= t - \(recent) days)) "
          + "- ln(1 + 30.0 / \(longer) * count(*))", kind, .days(longer))
    case .decayedCount(let kind, let halfLife):
      Self.select("coalesce(sum(power(2, -seconds(t - at) / 86400 / \(halfLife))), 0)", kind)
    case .overdue(let kind):
      "SELECT CASE WHEN count(*) > 2 THEN seconds(t - max(at)) / nullif(median(gap), 0) END FROM ("
        + Self.select("at, seconds(at - lag(at) OVER (ORDER BY at)) AS gap", kind) + ")"
    case .ownChange(let kind, let window, let earlier):
      "SELECT CASE WHEN n > 0 THEN ln(1 + recent) - ln(1 + before / n) END FROM ("
        + "SELECT n, count(*) FILTER (WHERE kind = \(Self.quoted(kind)) AND at >= t - \(window) "
        + "days) AS recent, count(*) FILTER (WHERE kind = \(Self.quoted(kind)) AND at < t - "
        + "\(window) days AND seconds(t - at) <= (n + 1) * \(window) * 86400) AS before FROM seen, "
        + "(SELECT least(\(earlier), floor(seconds(t - min(at)) / 86400 / \(window)) - 1) AS n "
        + "FROM seen WHERE kind IN (kinds)) GROUP BY n)"
    case .valueSlope(let kind, let months):
      "SELECT CASE WHEN count(*) > 2 THEN regr_slope(y, -month) END FROM ("
        + Self.select(
          "ceil(seconds(t - at) / 86400 / 30) AS month, avg(value) AS y", kind, .days(30 * months))
        + " AND value IS NOT NULL GROUP BY month)"
    case .openCount(let opened, let resolved): Self.open(opened, resolved)
    case .openAge(let opened, let resolved):
      "SELECT seconds(t - min(at)) / 86400 FROM ("
        + Self.select("at, row_number() OVER (ORDER BY at DESC) AS place", opened)
        + ") WHERE place <= (\(Self.open(opened, resolved)))"
    case .burst(let kind, let window):
      "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM ("
        + Self.select("DISTINCT at", kind, window)
        + ") AS a JOIN (\(Self.select("at", kind))) AS b ON b.at >= a.at AND b.at < a.at + 1 days "
        + "GROUP BY a.at)"
    case .channelShare(let channel, let window):
      Self.share("channel = \(Self.quoted(channel))", window) + " AND channel IS NOT NULL"
    case .weekendShare(let window):
      Self.share("isodow(local_date(at)) > 5", window)
    case .nightShare(let window):
      Self.share("local_hour(at) >= 22 OR local_hour(at) < 6", window)
    case .tenure: "SELECT seconds(t - min(at)) / 86400 FROM seen WHERE kind IN (kinds)"
    case .numeric(let name), .categorical(let name):
      "SELECT \(name) FROM accounts WHERE known_at < t"
    }
  }

  private static func select(
    _ expression: String, _ kind: String, _ window: Window = .lifetime
  ) -> String {
    "SELECT \(expression) FROM seen WHERE kind = \(quoted(kind))\(bound(window))"
  }

  private static func share(_ condition: String, _ window: Window) -> String {
    "SELECT avg(CASE WHEN \(condition) THEN 1.0 ELSE 0.0 END) FROM seen WHERE kind IN (kinds)"
      + bound(window)
  }

  /// How many are open: every opened one adds 1, every resolved one takes 1, never below 0. At one
  /// instant what opens comes first.
  private static func open(_ opened: String, _ resolved: String) -> String {
    "SELECT coalesce(sum(step) - least(0, min(height)), 0) FROM (SELECT step, sum(step) OVER "
      + "(ORDER BY at, step DESC ROWS UNBOUNDED PRECEDING) AS height FROM (SELECT at, CASE WHEN "
      + "kind = \(quoted(opened)) THEN 1 ELSE -1 END AS step FROM seen WHERE kind IN "
      + "(\(quoted(opened)), \(quoted(resolved)))))"
  }

  private static func bound(_ window: Window) -> String {
    if case .days(let days) = window { " AND at >= t - \(days) days" } else { "" }
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
  }
}

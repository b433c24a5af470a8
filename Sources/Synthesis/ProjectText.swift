/// The project file of a synthetic base.
enum ProjectText {
  /// Queues that open one case a day for every hundred accounts, and one at least: of 3,000
  /// accounts 5 by phone and 25 by e-mail.
  static func text(accounts: Int) -> String {
    """
    # A synthetic base: events.csv and accounts.csv of made-up customers, truth.csv their true state.
    time_zone = "Europe/Berlin"

    [[events]]
    path = "events.csv"
    account = "account_id"
    at = "at"
    kind = "kind"
    value = "value"
    channel = "channel"

    [accounts]
    path = "accounts.csv"
    account = "account_id"
    numeric = ["seats"]
    categorical = ["plan", "region"]
    value = "annual_value"
    segment = "segment"
    name = "name"
    do_not_contact = "do_not_contact"
    do_not_profile = "do_not_profile"

    [feedback]
    silent_for_days = \(Law.silentForDays)

    [[feedback.signal]]
    kind = "nps"
    detractor = { at_most = 6 }

    [[feedback.signal]]
    kind = "complaint"
    detractor = "always"
    opens_case = true

    [[feedback.signal]]
    kind = "refund_request"
    detractor = "always"

    [[feedback.signal]]
    kind = "survey_sent"
    mechanics = true

    [features]
    # what the company itself did, and may therefore mention
    sayable = ["late_delivery", "price_rise", "ticket_resolved"]

    [training]
    label_window_days = 30
    gap_days = 1
    snapshots = { every_days = 30, count = 12 }

    [[queue]]
    name = "strategic"
    where = { segment = ["strategic"] }
    capacity_per_business_day = \(max(1, accounts / 600))
    channel = "phone"
    due_business_days = 1

    [[queue]]
    name = "everyone"
    capacity_per_business_day = \(max(1, accounts / 120))
    channel = "email"
    due_business_days = 1

    """
  }
}

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
///                        weight own sensitivity · (1.05 + 0.12 · min(days late, 7))
///     failed payments  ~ Poisson(0.022 · frailty, + 0.35 in the week after one); weight 1.0 · own
///     tickets          ~ Poisson(0.036 · frailty · e^(−0.15 m)); open e^(3 + 1.2 N) hours, on Pro
///                        half; weight own · (0.2 + 0.5 · ln(1 + hours/24)), as it waits
///     price rises      at each year's end with chance ½, 3 to 15 %; weight 0.085 a per cent
///     logins           ~ Poisson(scale · 0.30 · habit · e^(0.45 m) · season), ⅓ below m = −1.5
///     orders           ~ Poisson(scale · 0.11 · habit · e^(0.30 m) · season)
///     survey           every 13 weeks, at a phase of the account's own
///     rating           logit P(6 or less) = −1.6 − m + hardRater      (the law of the truth)
///     complaints       ~ 0.0004 · e^(−0.6 m) · outspokenness a week; refund requests 0.0002
///

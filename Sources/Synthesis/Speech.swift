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

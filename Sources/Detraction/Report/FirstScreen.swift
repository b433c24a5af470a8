import Learning
import Histories

/// What a retention lead reads first: whom the list reaches, what may be hidden, when calling can be
/// shown to help, and how far all of it can be believed.
enum FirstScreen {
  private typealias Number = ReportNumber

  static func section(_ facts: ReportFacts) -> ReportSection {
    var section = ReportSection(id: "summary", title: "In short", html: "")
    section.html += "<div class=\"cards\">\n" + grade(facts) + reach(facts) + hidden(facts)
    section.html += money(facts) + "</div>\n"
    if let figure = beside(facts) { section.add(figure) }
    if facts.isLot, let lot = facts.model.lotWords {
      section.html += HTMLText.paragraph(
        "Every count on this page is of \(lot): those that the model was learnt from.")
    }
    if facts.model.isComplaintsOnly {
      section.html += HTMLText.paragraph(
        "Learnt from complaints alone: nobody is known to be content, so that the list cannot be held "
          + "beside plain rules on answers, and a number of unhappy customers means those unhappy enough "
          + "to complain, whether or not they ever do.")
    }
    section.html += proof(facts)
    return section
  }

  private static func card(_ title: String, _ big: String, _ text: String, marked: Bool = false)
    -> String
  {
    "<div class=\"card\"><h3>\(HTMLText.escaped(title))"
      + (marked ? " <span class=\"mark\">not measured</span>" : "")
      + "</h3><p class=\"big\">\(HTMLText.escaped(big))</p><p>\(HTMLText.escaped(text))</p></div>\n"
  }

  private static func grade(_ facts: ReportFacts) -> String {
    guard let grading = facts.model.grading else {
      return card(
        "Grade", "none", "This version was trained before there were grades: train it anew.")
    }
    let meaning =
      switch grading.grade {
      case .A: "Acted on as it stands."
      case .B: "Good enough to act on; what keeps it from an A is listed below."
      case .C: "Better than chance; act on it with care, and measure."
      case .D: "Not to be acted on: it does not become the champion."
      }
    return card("Grade", grading.grade.rawValue, meaning)
  }

  private static func reach(_ facts: ReportFacts) -> String {
    guard let callable = facts.silent.callable else {
      return card(
        "Reached by the list", "–",
        "How many you can call is not set: add a [[queue]] with capacity_per_business_day.")
    }
    let reached = facts.silent.reached
    let window = facts.model.training.labelWindowDays
    let perDay = facts.callsPerDay.map { "\(Number.grouped($0)) calls a business day, " } ?? ""
    let byLot = Double(callable) / Double(max(1, facts.silent.silent))
    let hidden = facts.silent.hidden
    return card(
      "Reached by the list", "\(Number.whole(reached.low)) to \(Number.whole(reached.high))",
      "unhappy customers among the first \(Number.grouped(callable)) silent accounts of the list "
        + "(\(perDay)\(window) days); by lot \(Number.whole(hidden.low * byLot)) to "
        + "\(Number.whole(hidden.high * byLot)).", marked: !facts.silent.isMeasured)
  }

  private static func hidden(_ facts: ReportFacts) -> String {
    let hidden = facts.silent.hidden
    return card(
      "Hidden unhappy customers", "\(Number.whole(hidden.low)) to \(Number.whole(hidden.high))",
      facts.silent.isMeasured
        ? "of \(Number.grouped(facts.silent.silent)) silent accounts, by the answers of silent "
          + "accounts drawn by lot (95 %)."
        : facts.level?.isOpen == true
          ? "of \(Number.grouped(facts.silent.silent)) silent accounts: complaints alone do not say how "
            + "many. Calls to silent accounts drawn by lot measure it."
          : "of \(Number.grouped(facts.silent.silent)) silent accounts, if unhappy ones are between "
            + "twice and half as ready to speak as the others. Calls to silent accounts drawn by lot "
            + "measure it.", marked: !facts.silent.isMeasured)
  }

  private static func money(_ facts: ReportFacts) -> String {
    guard let value = facts.silent.value, let reached = facts.silent.reachedValue else {
      return card(
        "Money at stake", "–", "The accounts file maps no `value`, so there is none to sum.")
    }
    return card(
      "Money at stake a year", "\(Number.whole(value.low)) to \(Number.whole(value.high))",
      "yearly value with the hidden unhappy customers"
        + (facts.silent.callable == nil
          ? "."
          : "; \(Number.whole(reached.low)) to \(Number.whole(reached.high)) of it within the reach "
            + "of the list."),
      marked: !facts.silent.isMeasured)
  }

  /// How many times as many unhappy customers as calling by lot: the list beside plain rules.
  private static func beside(_ facts: ReportFacts) -> ReportFigure? {
    guard let heldOut = facts.heldOut else { return nil }
    var lines: [[String]] = []
    for (place, rule) in heldOut.rules.enumerated() {
      let numbers = [rule.lift.value, rule.lift.low, rule.lift.high].map { "\($0 ?? .nan)" }
      lines.append([rule.name] + numbers + ["\(heldOut.rules.count - place)"])
    }
    return ReportFigure(
      name: "reach",
      caption:
        "How many times as many unhappy customers the same number of calls reaches as calling "
        + "by lot (1), by the list and by plain rules: measured on \(Number.grouped(heldOut.rows)) "
        + "answers of customers that the model had not seen, at the team's capacity, with 95 % "
        + "intervals. That the order holds among silent accounts is what overlap and back-test are "
        + "for.",
      height: 90 + 44 * lines.count, header: ["rule", "times_by_lot", "low", "high", "place"],
      rows: lines,
      data: lines.map {
        ([ReportFigure.field($0[0], most: 46)] + $0.dropFirst()).joined(separator: "\t") + "\n"
      }.joined(),
      script: """
        set yrange [0.4:\(lines.count).6]
        set xrange [0:*]
        set lmargin 44
        unset key
        set style fill solid 0.75 noborder
        set format x "%.1f"
        set xlabel "unhappy customers reached, calling by lot being 1"
        set arrow 1 from 1, graph 0 to 1, graph 1 nohead linecolor "#444444" dashtype (3,3) \
          linewidth 1.6 front
        plot "data" using (0):5:(0):2:($5-0.25):($5+0.25):ytic(1) with boxxyerror \
          linecolor "#9db8d2", \
          "data" using 2:5:3:4 with xerrorbars linecolor "#333333" linewidth 1.2 pointtype 7 \
          pointsize 0.4
        """)
  }

  private static func proof(_ facts: ReportFacts) -> String {
    let title = "<h3>When the effect of calling becomes provable</h3>\n"
    let silent = facts.silent
    let base =
      silent.callable.map { silent.reached.middle / Double(max(1, $0)) }
      ?? silent.hidden.middle / Double(max(1, silent.silent))
    guard base > 0, base < 1, facts.level?.isOpen != true else {
      return title + HTMLText.paragraph("No share to reckon with.", class: "missing")
    }
    let plan = ProofPlan(base: base, callable: facts.callable)
    let window = facts.model.training.labelWindowDays
    return title
      + HTMLText.paragraph(
        "Risk is not the same as being helped by a call. If about \(Number.percent(plan.base)) of the "
          + "flagged accounts turn out unhappy when nobody calls, and "
          + "\(Number.percent(plan.holdout)) of the flagged are left uncalled by lot, a difference "
          + "shows (5 % two-sided, power 80 %) after:")
      + HTMLText.table(
        ["calling lowers it by", "flagged accounts needed", "of an equal split, each", "time"],
        plan.rows.map { row in
          [
            Number.percent(row.reduction), Number.grouped(row.accounts),
            Number.grouped(row.perArm),
            row.windows.map { "\(Number.whole(($0 * Double(window)).rounded(.up))) days" }
              ?? "no capacity set",
          ]
        })
  }
}

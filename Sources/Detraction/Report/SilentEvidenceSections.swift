import Learning

/// How far respondents stand for the silent: overlap and level.
enum SilentEvidenceSections {
  private typealias Number = ReportNumber

  static func overlap(_ facts: ReportFacts) -> ReportSection {
    guard let overlap = facts.overlap else {
      return .missing(
        "overlap", "Overlap",
        facts.model.isComplaintsOnly
          ? "There are no respondents to hold against silent accounts: those who did not complain were "
            + "learnt from, so that nearly everybody is among them."
          : "Respondents were not held against silent accounts when this version was trained: train it "
            + "anew with this program.")
    }
    var section = ReportSection(id: "overlap", title: "Overlap", html: "")
    section.html += HTMLText.paragraph(
      "How well a model tells respondents from silent accounts, and how many silent accounts have "
        + "nobody like them among those who spoke. An area near 0.5 means that they are alike; above "
        + "0.8 they are far apart.")
    section.html += HTMLText.table(
      ["measure", "value"],
      [
        [
          "AUC of telling respondents from silent accounts (95 %)",
          EvidenceSections.estimate(overlap.domainAUC) { Number.fixed($0) },
        ],
        [
          "the same by days since last events alone",
          overlap.recencyAUC.map { EvidenceSections.estimate($0) { Number.fixed($0) } } ?? "–",
        ],
        ["silent accounts outside the respondents' support", Number.percent(overlap.outside)],
        ["their share of all silent probability", Number.percent(overlap.outsideScores)],
        [
          "respondents' effective number once weighted like the silent",
          "\(Number.whole(overlap.effectiveSize)) of \(Number.grouped(overlap.respondents)) "
            + "(\(Number.percent(overlap.effectiveShare)))",
        ],
      ])
    if let recency = overlap.recencyAUC?.value {
      section.html += HTMLText.paragraph(
        "How recently an account acted "
          + (abs(recency - 0.5) > Overlap.telling
            ? "tells respondents from silent accounts by itself: those who act often speak more."
            : "hardly tells respondents from silent accounts.")
          + " It is no trace of when surveys were sent: both are looked at on calendar dates "
          + "(snapshots), never on the day of a survey, so that a survey that follows an order does not "
          + "make its respondents look as if they had just ordered.")
    }
    if let capacity = facts.model.evidence?.capacity {
      section.html += HTMLText.table(
        ["at capacity, respondents weighted like the silent (95 %)", "value"],
        [
          ["precision", EvidenceSections.estimate(capacity.precision, Number.percent)],
          ["recall", EvidenceSections.estimate(capacity.recall, Number.percent)],
          ["lift", EvidenceSections.estimate(capacity.lift) { Number.fixed($0, 2) }],
          ["AUC", EvidenceSections.estimate(capacity.auc) { Number.fixed($0) }],
          ["calibration slope", EvidenceSections.estimate(capacity.slope) { Number.fixed($0) }],
        ])
    }
    section.add(balance(overlap))
    return section
  }

  /// The love plot: the features furthest out of balance.
  private static func balance(_ overlap: Overlap) -> ReportFigure {
    let worst = overlap.features.enumerated()
      .sorted { ($1.element.before, $0.offset) < ($0.element.before, $1.offset) }
      .prefix(20).map(\.element)
    let rows = worst.enumerated().map { place, feature in
      [feature.name, "\(feature.before)", "\(feature.after)", "\(worst.count - place)"]
    }
    return ReportFigure(
      name: "balance",
      caption:
        "How far respondents' features lie from silent accounts', in standard deviations: as "
        + "they are, and weighted like the silent. Beyond 0.1 (the line) is out of balance; the "
        + "\(worst.count) furthest of \(overlap.features.count) features.",
      height: 100 + 19 * max(1, worst.count), header: ["feature", "before", "after", "place"],
      rows: rows,
      data: rows.map {
        ([ReportFigure.field($0[0], most: 40)] + $0.dropFirst()).joined(separator: "\t") + "\n"
      }.joined(),
      script: """
        set xlabel "standardised difference"
        set xrange [0:*]
        set yrange [0.4:\(worst.count).6]
        set lmargin 40
        set tics font ",11"
        set arrow 1 from 0.1, graph 0 to 0.1, graph 1 nohead linecolor "#999999" dashtype (3,3)
        plot "data" using 2:4:ytic(1) with points linestyle 2 title "as they are", \
          "data" using 3:4 with points linestyle 1 title "weighted"
        """)
  }

  static func level(_ facts: ReportFacts) -> ReportSection {
    guard let level = facts.level else {
      return .missing(
        "level", "Level of the silent",
        "No level was worked out when this version was trained: train it anew with this program.")
    }
    var section = ReportSection(id: "level", title: "Level of the silent", html: "")
    section.html += HTMLText.paragraph(
      level.isMeasured
        ? "Measured by \(Number.grouped(level.answers)) answers of silent accounts drawn by lot "
          + "(\(Number.grouped(level.attempts)) tried)."
        : "Not measured: \(Number.grouped(level.answers)) answers of silent accounts drawn by lot, "
          + "and \(SilentLevel.leastAnswers) are needed (400 give it to 1.5 points). The rates below "
          + "rest on assumptions.")
    var rows =
      level.isOpen
      ? []
      : [
        [
          facts.model.isComplaintsOnly
            ? "by the split of complaints alone"
            : "from respondents alone, if who speaks depends on the history alone (95 %)",
          EvidenceSections.estimate(level.doublyRobust.rate, Number.percent),
        ]
      ]
    rows += level.sensitivity.map {
      [
        "if an unhappy customer's odds of speaking are \(Number.fixed($0.oddsRatio, 1)) times "
          + (facts.model.isComplaintsOnly ? "what the split says" : "a happy one's"),
        Number.percent($0.rate),
      ]
    }
    if let rate = level.rate {
      rows.insert(
        ["measured (95 %)", EvidenceSections.estimate(rate, Number.percent)], at: 0)
    }
    if let bounds = level.contactedBounds {
      rows.append([
        "of those contacted, if nobody or everybody of the unreached is unhappy",
        Number.interval(bounds.low, bounds.high, Number.percent),
      ])
    }
    rows.append([
      "of the whole base, whatever the silent are",
      Number.interval(level.baseBounds.low, level.baseBounds.high, Number.percent),
    ])
    section.html += HTMLText.table(["unhappy", "share"], rows)
    if let asked = facts.model.evidence?.askedLevels {
      section.html += HTMLText.table(
        ["silent accounts", "how many", "answers", "unhappy (95 %)"],
        asked.map {
          [
            words($0.asked), Number.grouped($0.silent), Number.grouped($0.answers),
            EvidenceSections.estimate($0.rate, Number.percent),
          ]
        }, caption: "By how they had been asked")
    }
    if let slope = level.slope, let p = level.slopeP, p < 0.05 {
      section.html += HTMLText.paragraph(
        "The answers' slope on the scores is \(Number.fixed(slope)), surely not 1: how much readier "
          + "the unhappy are to speak depends on the score. The rate holds; the spread of the "
          + "probabilities does not.", class: "note")
    }
    return section
  }

  private static func words(_ asked: Asked) -> String {
    switch asked {
    case .never: "never asked"
    case .ignored: "asked lately, and did not answer"
    case .earlier: "asked before that only"
    }
  }
}

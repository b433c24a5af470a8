import Detraction
import Foundation
import Histories
import Outreach
import Testing

private func open(
  _ account: String, queue: String = "calls", segment: String? = "Plus", value: Double? = 1240.4
) -> Case {
  Case(
    form: .predicted, account: account, queue: queue, channel: "phone", asOf: date("2026-03-01"),
    openedAt: date("2026-03-01"),
    due: date("2026-03-02T17:00"), model: "sample/2026-03-01-0a1b2c3d", score: score(account),
    exemplars: [
      Exemplar(
        account: "00012", distance: 0.414, percentile: 40, shared: ["late delivery"])
    ], record: AccountRecord(account: account, value: value, segment: segment, name: "Ada Ltd"))
}

struct CaseListingTests {
  private let listing = CaseListing(zone: berlin)

  @Test func saysWhoWhyHowSureByWhen() {
    var second = open("00052", segment: nil, value: nil)
    second.score?.reasons.removeLast(3)
    second.score?.extrapolated = true
    second.score?.otherCount = 1
    second.score?.other = -0.04
    #expect(
      listing.text([open("00417"), second]) == """
        calls · phone · 2 open cases
        1  00417  Plus · 1,240 a year · top 1 % · 61 % (49–73 %)                         due Mon 2 Mar 17:00
           2 late deliveries in 30 days (typically none)        +0.9
           ticket open for 11 days (typically none)             +0.6
           no order for 64 days (own habit: 12)  [do not say]   +0.5
           a customer for 4 years                               −0.3
           19 other features                                    +0.1
        2  00052  top 1 % · 61 % (49–73 %)                                               due Mon 2 Mar 17:00
           2 late deliveries in 30 days (typically none)        +0.9
           1 other feature                                      +0.0
           unlike the accounts that training saw: less sure than it says

        61 % (49–73 %): the chance that feedback, if this account gave any in the label window, would be
        negative, with its 95 % interval; the level is not measured. top 1 %: place among the silent. +0.9:
        what a reason adds to the logit.

        """)
  }

  @Test func everyLineFitsAndIsInert() {
    let cases = hostileTexts.map { text in
      var hostile = open(text, queue: "q" + text, segment: text, value: -1_234_567)
      hostile.score?.reasons[0].text = text
      hostile.person?.name = text
      hostile.exemplars = [Exemplar(account: text, distance: 1)]
      return hostile
    }
    var text = listing.text(cases)
    for hostile in cases { text += listing.detail(hostile) }
    for line in text.unicodeScalars.split(separator: "\n") {
      let visible = line.filter {
        $0.properties.generalCategory != .nonspacingMark && $0 != "\u{200D}"
      }
      #expect(visible.count <= 100)
      #expect(line.count <= 400)
      for scalar in line {
        let category = scalar.properties.generalCategory
        #expect(category != .control && category != .lineSeparator)
        #expect(category != .format || scalar == "\u{200D}")
      }
    }
    #expect(text.contains("\\u{1B}[2J") && text.contains("\\u{202E}txt.exe"))
    #expect(text.contains("−1,234,567 a year"))
  }

  @Test func jsonIsAnArrayOfFlatObjects() throws {
    let cases = [open("00417"), open("\"\n\u{202E}", segment: nil, value: nil)]
    let data = try CaseListing.json(cases)
    #expect(try CaseListing.json(cases) == data)
    let array = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    let keys = [
      "account_id", "queue", "due", "probability", "low", "high", "percentile", "band", "logit",
      "reasons", "other", "exemplars", "model", "as_of", "opened_at", "name", "value", "segment",
    ]
    #expect(array.count == 2)
    for object in array { #expect(keys.allSatisfy { object[$0] != nil }) }
    #expect(array[0]["account_id"] as? String == "00417")
    #expect(array[0]["due"] as? String == "2026-03-02T16:00:00Z")
    #expect(array[0]["band"] as? String == "top" && array[1]["value"] is NSNull)
    #expect(
      (array[1]["account_id"] as? String).map { Array($0.utf8) } == Array("\"\n\u{202E}".utf8))
    let reasons = try #require(array[0]["reasons"] as? [[String: Any]])
    #expect(reasons[1]["typical"] is NSNull)
    #expect(reasons.count == 4 && reasons[2]["sayable"] as? Bool == false)
    #expect(reasons[0]["text"] as? String == "2 late deliveries in 30 days (typically none)")
    let sum =
      reasons.reduce(0) { $0 + ($1["contribution"] as? Double ?? .nan) }
      + (array[0]["other"] as? Double ?? .nan)
    #expect(abs(sum - 1.8) < 1e-12)
    #expect(String(decoding: try CaseListing.json([Case]()), as: UTF8.self) == "[\n\n]\n")
  }

  @Test func detailSaysEverything() {
    let text = listing.detail(open("00417"))
    for part in [
      "Ada Ltd", "calls, by phone", "Mon 2 Mar 2026 17:00 (Europe/Berlin)", "[do not say]",
      "1 known detractor by late delivery", "40 % of known detractors",
      "sample/2026-03-01-0a1b2c3d",
      "band top", "never",
    ] { #expect(text.contains(part), "\(part)") }
  }
}

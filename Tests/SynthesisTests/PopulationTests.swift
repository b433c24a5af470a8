import Foundation
import Synthesis
import TestSupport
import Testing

/// One account, as far as these tests look at it.
private struct Seen {
  var plan: String = ""
  var probability = 0.0
  var detractor = false
  var responded = false
  /// Days from the as-of date back to each event, by kind.
  var ages: [String: [Double]] = [:]
  /// Ratings of the last 45 days, true where 6 or less.
  var ratings: [Bool] = []

  func count(_ kind: String, within days: Double) -> Double {
    Double(ages[kind, default: []].count { $0 <= days })
  }
}

/// A base of ordinary intensity, made in a folder of its own and read back, with or without events.
private func population(
  accounts: Int, seed: UInt64, bias: Double? = nil, events: Bool = false
) throws -> [Seen] {
  let folder = try temporaryFolder()
  defer { try? FileManager.default.removeItem(at: folder) }
  _ = try SyntheticBase(
    accounts: accounts, events: accounts * 50, seed: seed,
    responseBias: bias ?? SyntheticBase.defaultResponseBias
  ).write(to: folder.path, threads: 2)
  func forEachRow(_ name: String, _ body: ([ArraySlice<UInt8>]) -> Void) throws {
    let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
    for line in bytes.split(separator: 10).dropFirst() {
      body(line.split(separator: 44, omittingEmptySubsequences: false))
    }
  }
  func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
  var seen: [Seen] = []
  try forEachRow("accounts.csv") { seen.append(Seen(plan: text($0[2]))) }
  var place = 0
  try forEachRow("truth.csv") {
    seen[place].probability = Double(text($0[2]))!
    seen[place].detractor = text($0[3]) == "1"
    seen[place].responded = text($0[4]) == "1"
    place += 1
  }
  guard events else { return seen }
  var days: [String: Double] = [:]
  try forEachRow("events.csv") {
    // Days by dates alone: exact enough for windows of months.
    let date = text($0[1].prefix(10))
    let age = days[date] ?? daysBefore(date)
    days[date] = age
    let place = Int(text($0[0]))! - 1
    let kind = text($0[2])
    seen[place].ages[kind, default: []].append(age)
    if kind == "nps" && age <= 45 { seen[place].ratings.append(Int(text($0[3]))! <= 6) }
  }
  return seen
}

private func daysBefore(_ date: String) -> Double {
  let parse = Date.ISO8601FormatStyle()
  guard let asOf = try? parse.parse("2026-03-02T00:00:00Z"),
    let day = try? parse.parse(date + "T00:00:00Z")
  else { return -1 }
  return asOf.timeIntervalSince(day) / 86_400
}

/// 8,000 accounts with their events, made once.
private let shared = Result { try population(accounts: 8_000, seed: 21, events: true) }

private func share(_ people: [Seen], _ of: (Seen) -> Bool) -> Double {
  Double(people.count(where: of)) / Double(people.count)
}

private func mean(_ people: [Seen], _ of: (Seen) -> Double) -> Double {
  people.map(of).reduce(0, +) / Double(people.count)
}

/// Area under the ROC curve by pairs of ranks, ties counted half (Mann–Whitney).
private func auc(_ people: [Seen], _ score: (Seen) -> Double) -> Double {
  let sorted = people.map { (score($0), $0.detractor) }.sorted { $0.0 < $1.0 }
  var rankSum = 0.0
  var from = 0
  while from < sorted.count {
    var to = from
    while to < sorted.count && sorted[to].0 == sorted[from].0 { to += 1 }
    let midrank = Double(from + to + 1) / 2
    rankSum += midrank * Double(sorted[from..<to].count { $0.1 })
    from = to
  }
  let positives = Double(people.count { $0.detractor })
  let negatives = Double(people.count) - positives
  return (rankSum - positives * (positives + 1) / 2) / (positives * negatives)
}

@Suite struct `A synthetic population` {
  @Test func `speaks, is unhappy and is calibrated within the stated bounds`() throws {
    let people = try shared.get()
    let spoke = share(people) { $0.responded }
    #expect((0.12...0.17).contains(spoke))
    #expect((0.18...0.30).contains(share(people) { $0.detractor }))
    let answers = mean(people) { $0.count("nps", within: 180) } / 6
    #expect((0.021...0.04).contains(answers))
    // The state is drawn from the probability: in every fifth of it, within 4 standard errors.
    let sorted = people.sorted { $0.probability < $1.probability }
    for fifth in 0..<5 {
      let part = Array(sorted[fifth * 1_600..<(fifth + 1) * 1_600])
      let expected = part.map(\.probability).reduce(0, +)
      let variance = part.map { $0.probability * (1 - $0.probability) }.reduce(0, +)
      let drawn = Double(part.count { $0.detractor })
      #expect(abs(drawn - expected) < 4 * variance.squareRoot())
    }
  }

  @Test func `answers by the law of the truth, at its own dates`() throws {
    let people = try shared.get().filter { !$0.ratings.isEmpty }
    let likely = mean(people) { $0.probability }
    let rated = mean(people) { $0.ratings[0] ? 1 : 0 }
    #expect(people.count > 200)
    #expect(abs(rated - likely) < 3 * (likely * (1 - likely) / Double(people.count)).squareRoot())
  }

  @Test func `is not sampled at random by those who respond, more so on Basic than on Pro`() throws
  {
    let people = try population(accounts: 20_000, seed: 23)
    func odds(_ part: [Seen]) -> Double {
      let p = mean(part) { $0.probability }
      return p / (1 - p)
    }
    func ratio(_ people: [Seen]) -> Double {
      odds(people.filter(\.responded)) / odds(people.filter { !$0.responded })
    }
    #expect(ratio(people) > 1.6)
    #expect(
      ratio(people.filter { $0.plan == "Basic" }) > 1.2 * ratio(people.filter { $0.plan == "Pro" }))
    let unbiased = try population(accounts: 20_000, seed: 23, bias: 0)
    #expect(ratio(unbiased) < 0.8 * ratio(people))
  }

  @Test func `acts as it feels, around habits of its own`() throws {
    let people = try shared.get()
      .filter { $0.count("signup", within: 120) == 0 }
    let unhappy = people.filter { $0.probability > 0.5 }
    let happy = people.filter { $0.probability < 0.15 }
    func recent(_ kind: String) -> (Double, Double) {
      (mean(unhappy) { $0.count(kind, within: 60) }, mean(happy) { $0.count(kind, within: 60) })
    }
    #expect(recent("login").0 < 0.7 * recent("login").1)
    #expect(recent("order").0 < 0.85 * recent("order").1)
    #expect(recent("ticket_opened").0 > 1.2 * recent("ticket_opened").1)
    #expect(recent("late_delivery").0 > 1.5 * recent("late_delivery").1)
    #expect(recent("payment_failed").0 > 1.3 * recent("payment_failed").1)
    let logins = people.map { $0.count("login", within: 365) }.sorted()
    #expect(logins[people.count * 95 / 100] > 5 * max(1, logins[people.count / 4]))
  }

  @Test func `is not given away by any one feature`() throws {
    let people = try shared.get()
    let kinds: [String] = [
      "login", "order", "late_delivery", "payment_failed", "ticket_opened", "ticket_resolved",
      "price_rise", "signup",
    ]
    for kind in kinds {
      for days in [7.0, 30, 90, 365] {
        let area = auc(people) { $0.count(kind, within: days) }
        #expect(max(area, 1 - area) < 0.68, "\(kind) within \(days) days")
      }
      let recency = auc(people) { $0.ages[kind]?.min() ?? 10_000 }
      #expect(max(recency, 1 - recency) < 0.68, "days since \(kind)")
    }
    #expect((0.80...0.90).contains(auc(people) { $0.probability }), "the ceiling")
  }
}

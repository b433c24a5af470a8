import Foundation
package import Learning

/// Whether tonight's silent accounts are still those that the model was made for.
package struct Drift: Sendable, Codable, Equatable {
  package enum State: String, Sendable, Codable, Comparable {
    case steady, watch, act

    package static func < (a: State, b: State) -> Bool {
      func rank(_ state: State) -> Int {
        switch state {
        case .steady: 0
        case .watch: 1
        case .act: 2
        }
      }
      return rank(a) < rank(b)
    }
  }

  /// How far one distribution has moved.
  package struct Shift: Sendable, Codable, Equatable {
    /// A feature's name, or "score".
    package let name: String
    /// Population stability index.
    package let index: Double
    /// What chance alone exceeds once in 100 reports, all features taken together; nil where there
    /// are too few values to tell anything.
    package let null: Double?
    /// Beyond both the null and the rule of thumb, 0.1.
    package let isShifted: Bool
  }

  /// Shares of the scores between the reference's deciles, then and now.
  package struct Spread: Sendable, Codable, Equatable {
    /// Logits, rising; a share more than cuts.
    package let cuts: [Double]
    package let then: [Double]
    package let now: [Double]
  }

  /// What one term of the model adds to the change of the mean logit.
  package struct Part: Sendable, Codable, Equatable {
    /// A feature's name, or two joined by " × ".
    package let name: String
    package let change: Double
  }

  /// Accounts above the cut that a queue would take if nothing else were open, against the nights
  /// before: a full desk changes nothing here, a queue's rule that has stopped to fit does.
  package struct Volume: Sendable, Codable, Equatable {
    package let flagged: Int
    /// Three deviations (at least those of a count) around the mean of the nights before; nil with
    /// fewer than 5 of them.
    package let low: Double?
    package let high: Double?
    package var isOutside: Bool {
      Double(flagged) < (low ?? -.infinity) || Double(flagged) > (high ?? .infinity)
    }
  }

  package private(set) var state: State
  /// What to do, in plain words; one entry a finding, or one that says that there is none.
  package private(set) var advice: [String]
  package let score: Shift
  package let spread: Spread
  package let features: [Shift]
  /// Mean logit now less then: the sum of `parts`, largest first.
  package let meanLogitChange: Double
  package let parts: [Part]
  package let fresh: Fresh?
  package private(set) var volume: Volume?

  package static let watchIndex = 0.1
  package static let actIndex = 0.25
  /// Of the whole report, a chance of firing on nothing.
  package static let falseAlarm = 0.01
  private static let shownNames = 3

  /// What the model was made for, and what is scored tonight.
  package struct Input: Sendable {
    /// Of the scores' logits, and of every source feature.
    package var scoreReference: ReferenceBins
    package var featureReferences: [ReferenceBins]
    package var names: [String]
    /// Tonight's logits, and of each raw feature the values (NaN missing), of the silent or a sample
    /// by stride.
    package var logits: [Double]
    package var columns: [[Double]]
    /// The model's terms against the reference's mean row, and tonight's mean row of design columns.
    package var contributions: Contributions
    package var means: [Double]
    package var fresh: Fresh?
    /// Of each feature, by how much time alone may have moved it: an age, by the days since the
    /// reference, else 0. Where all histories begin at one date, ages grow by that; in a base that has
    /// always been there they do not: an age has moved only if neither holds.
    package var growth: [Double]

    package init(
      scoreReference: ReferenceBins, featureReferences: [ReferenceBins], names: [String],
      logits: [Double], columns: [[Double]], contributions: Contributions, means: [Double],
      fresh: Fresh? = nil, growth: [Double]? = nil
    ) {
      self.scoreReference = scoreReference
      self.featureReferences = featureReferences
      self.names = names
      self.logits = logits
      self.columns = columns
      self.contributions = contributions
      self.means = means
      self.fresh = fresh
      self.growth = growth ?? [Double](repeating: 0, count: columns.count)
    }
  }

  /// Throws `sizeMismatch`. O(rows × features).
  package init(_ input: Input, threads: Int) throws(LearningError) {
    let count = input.columns.count
    for (what, got) in [
      ("names of features", input.names.count),
      ("references of features", input.featureReferences.count),
      ("growths of features", input.growth.count),
    ] where got != count { throw .sizeMismatch(what: what, expected: count, got: got) }
    // Bonferroni's share of the false alarm for each distribution.
    let level = 1 - Self.falseAlarm / Double(count + 1)
    score = Self.shift("score", input.scoreReference.index(of: input.logits), level)
    // The last share is of missing values, which no logit is.
    spread = Spread(
      cuts: input.scoreReference.cuts, then: input.scoreReference.shares.dropLast(),
      now: input.scoreReference.shares(of: input.logits).dropLast())
    features = StripedWork.map(stripes: count, threads: threads) { feature in
      let (bins, values) = (input.featureReferences[feature], input.columns[feature])
      let growth = input.growth[feature]
      let indices =
        [bins.index(of: values)]
        + (growth == 0 ? [] : [bins.index(of: values.map { $0 - growth })])
      return Self.shift(
        input.names[feature], indices.min { $0.index < $1.index } ?? indices[0], level)
    }
    let changes = input.contributions.of(row: input.means)
    parts = zip(input.contributions.terms, changes).map { term, change in
      switch term {
      case .source(let source): Part(name: input.names[source], change: change)
      case .pair(let a, let b):
        Part(name: "\(input.names[a]) × \(input.names[b])", change: change)
      }
    }.enumerated().sorted {
      (abs($1.element.change), $0.offset) < (abs($0.element.change), $1.offset)
    }
    .map(\.element)
    meanLogitChange = changes.reduce(0, +)
    fresh = input.fresh
    (state, advice, volume) = (.steady, [], nil)
    conclude()
  }

  /// The same with tonight's count of accounts for calling, and those of the nights before.
  package func counting(flagged: Int, before: [Int]) -> Drift {
    var drift = self
    drift.volume = Self.volume(flagged, before)
    drift.conclude()
    return drift
  }

  private mutating func conclude() {
    let findings = Self.findings(
      score: score, features: features, parts: parts, fresh: fresh, volume: volume)
    state = findings.map(\.state).max() ?? .steady
    advice =
      findings.isEmpty
      ? ["Nothing has moved beyond chance: go on."]
      : findings.enumerated().sorted {
        ($1.element.state, $0.offset) < ($0.element.state, $1.offset)
      }.map(\.element.advice)
  }

  private static func shift(_ name: String, _ index: StabilityIndex, _ level: Double) -> Shift {
    let null = index.null(level)
    return Shift(
      name: name, index: index.index, null: null.isFinite ? null : nil,
      isShifted: index.index > watchIndex && index.isBeyondChance(level))
  }

  private static func volume(_ flagged: Int, _ before: [Int]) -> Volume {
    guard before.count >= 5 else { return Volume(flagged: flagged, low: nil, high: nil) }
    let n = Double(before.count)
    let mean = Double(before.reduce(0, +)) / n
    let square = before.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    // A count varies at least as much as Poisson's; one more night is as uncertain as the mean.
    let deviation = (max(square / (n - 1), mean) * (1 + 1 / n)).squareRoot()
    return Volume(
      flagged: flagged, low: max(0, mean - 3 * deviation), high: mean + 3 * deviation)
  }

  private static func findings(
    score: Shift, features: [Shift], parts: [Part], fresh: Fresh?, volume: Volume?
  ) -> [(state: State, advice: String)] {
    var findings: [(state: State, advice: String)] = []
    if let finding = fresh?.finding { findings.append(finding) }
    if score.isShifted {
      let causes = parts.prefix(shownNames).map(\.name).joined(separator: ", ")
      let isFar = score.index > actIndex
      findings.append(
        (
          isFar ? .act : .watch,
          "The scores have moved (index \(rounded(score.index))), most of all by \(causes). "
            + (isFar
              ? "Find out whether the customers changed or the data did: mend the data or train anew "
                + "before working the queue."
              : "Find out whether the customers changed or the data did.")
        ))
    }
    let shifted = features.filter(\.isShifted).sorted { $0.index > $1.index }
    if !shifted.isEmpty {
      let more = shifted.count - shownNames
      findings.append(
        (
          .watch,
          "Values have moved in "
            + shifted.prefix(shownNames).map { "\($0.name) (index \(rounded($0.index)))" }
            .joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
            + ": look whether their source was changed."
        ))
    }
    if let volume, volume.isOutside, let low = volume.low, let high = volume.high {
      findings.append(
        (
          .watch,
          "\(volume.flagged) accounts flagged (or would be, were nothing else open), expected "
            + "\(Int(low.rounded(.up))) to \(Int(high)): look whether the queues' rules still fit "
            + "the accounts, and at `do_not_contact`."
        ))
    }
    return findings
  }

  private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}

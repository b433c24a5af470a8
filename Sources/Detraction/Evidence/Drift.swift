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

  /// What one term of the model adds to the change of the mean logit.
  package struct Part: Sendable, Codable, Equatable {
    /// A feature's name, or two joined by " × ".
    package let name: String
    package let change: Double
  }

  /// Fresh two-sided feedback against the probabilities that were given before.
  package struct Fresh: Sendable, Codable, Equatable {
    package let rows: Int
    /// Mean probability less the rate that happened, with its 95 % interval by customer.
    package let inTheLarge: Evaluation.Estimate
  }

  /// Accounts flagged tonight against the nights before.
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

  package let state: State
  /// What to do, in plain words; one entry a finding, or one that says that there is none.
  package let advice: [String]
  package let score: Shift
  package let features: [Shift]
  /// Mean logit now less then: the sum of `parts`, largest first.
  package let meanLogitChange: Double
  package let parts: [Part]
  package let fresh: Fresh?
  package let volume: Volume?

  package static let watchIndex = 0.1
  package static let actIndex = 0.25
  /// Of the whole report, a chance of firing on nothing.
  package static let falseAlarm = 0.01
  /// Off by so much in probability, surely, is for acting; less is for watching.
  package static let actInTheLarge = 0.05
  private static let shownNames = 3

  /// What the model was made for, and what is scored tonight.
  package struct Input: Sendable {
    /// Of the scores' logits, and of every source feature.
    package var scoreReference: ReferenceBins
    package var featureReferences: [ReferenceBins]
    package var names: [String]
    /// Tonight's logits, and raw features in columns (NaN missing), of the silent or a sample by
    /// stride.
    package var logits: [Double]
    package var raw: Matrix
    /// The model's terms against the reference's mean row, and tonight's mean row of design columns.
    package var contributions: Contributions
    package var means: [Double]
    package var fresh: Fresh?
    /// Flagged tonight, and on the nights before.
    package var flagged: Int?
    package var flaggedBefore: [Int]

    package init(
      scoreReference: ReferenceBins, featureReferences: [ReferenceBins], names: [String],
      logits: [Double], raw: Matrix, contributions: Contributions, means: [Double],
      fresh: Fresh? = nil, flagged: Int? = nil, flaggedBefore: [Int] = []
    ) {
      self.scoreReference = scoreReference
      self.featureReferences = featureReferences
      self.names = names
      self.logits = logits
      self.raw = raw
      self.contributions = contributions
      self.means = means
      self.fresh = fresh
      self.flagged = flagged
      self.flaggedBefore = flaggedBefore
    }
  }

  /// Throws `sizeMismatch`. O(rows × features).
  package init(_ input: Input, threads: Int) throws(LearningError) {
    let count = input.raw.columns
    for (what, got) in [
      ("names of features", input.names.count),
      ("references of features", input.featureReferences.count),
    ] where got != count { throw .sizeMismatch(what: what, expected: count, got: got) }
    // Bonferroni's share of the false alarm for each distribution.
    let level = 1 - Self.falseAlarm / Double(count + 1)
    score = Self.shift("score", input.scoreReference.index(of: input.logits), level)
    features = StripedWork.map(stripes: count, threads: threads) { feature in
      Self.shift(
        input.names[feature], input.featureReferences[feature].index(of: input.raw.column(feature)),
        level)
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
    volume = input.flagged.map { Self.volume($0, input.flaggedBefore) }
    let findings = Self.findings(
      score: score, features: features, parts: parts, fresh: fresh, volume: volume)
    state = findings.map(\.state).max() ?? .steady
    advice =
      findings.isEmpty
      ? ["Nothing has moved beyond chance: go on."]
      : findings.sorted { $0.state > $1.state }.map(\.advice)
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
    if let fresh, let gap = fresh.inTheLarge.value, let low = fresh.inTheLarge.low,
      let high = fresh.inTheLarge.high, low > 0 || high < 0
    {
      let isFar = low > actInTheLarge || high < -actInTheLarge
      findings.append(
        (
          isFar ? .act : .watch,
          "Fresh feedback: the model says \(gap > 0 ? "more" : "fewer") unhappy customers than "
            + "there are, by \(points(abs(gap))) points (\(fresh.rows) rows). "
            + (isFar
              ? "Train anew and compare before promoting; until then take the ranking, not the "
                + "probabilities."
              : "Look again when there is more feedback; train anew if it stays.")
        ))
    }
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
          "\(volume.flagged) accounts flagged, expected \(Int(low.rounded(.up))) to "
            + "\(Int(high)): look at them before they are called."
        ))
    }
    return findings
  }

  private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
  private static func points(_ share: Double) -> String { "\((share * 1000).rounded() / 10)" }
}

extension Drift.Fresh {
  /// `probabilities` as given before the feedback came. Throws as `DoublyRobustRate`.
  /// O(1,000 customers).
  package init(
    probabilities: [Double], labels: [Double], customers: [UInt64], seed: UInt64 = 1, threads: Int
  ) throws(LearningError) {
    for (what, count) in [("labels", labels.count), ("customers", customers.count)]
    where count != probabilities.count {
      throw .sizeMismatch(what: what, expected: probabilities.count, got: count)
    }
    guard !labels.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    let unit = Outcomes.clusters(of: customers)
    var gaps = [Double](repeating: 0, count: (unit.max() ?? 0) + 1)
    var counts = gaps
    for row in labels.indices {
      gaps[unit[row]] += probabilities[row] - labels[row]
      counts[unit[row]] += 1
    }
    let replicates = bootstrapRatios(gaps, over: counts, seed: seed, threads: threads)
    rows = labels.count
    inTheLarge = .init(
      value: gaps.reduce(0, +) / Double(labels.count),
      low: replicates.isEmpty ? nil : Evaluation.quantile(replicates, 0.025),
      high: replicates.isEmpty ? nil : Evaluation.quantile(replicates, 0.975))
  }
}

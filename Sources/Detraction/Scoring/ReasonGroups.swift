import Histories
import Learning

/// Which parts of a logit speak as one reason: all features of one kind of event, and every other
/// feature by itself; and two such groups together where the model has pairs across them. A kind's
/// windows overlap, and a ridge spreads one cause over its counts, sums and gaps: by themselves none
/// of them would say it.
struct ReasonGroups: Sendable {
  /// A reason's name, the terms of the logit in it, and their columns in the design.
  struct Group: Sendable {
    var name: String
    /// Indices in `Contributions.terms`, ascending.
    var terms: [Int] = []
    var columns: [Int] = []
    /// Of pairs across two groups.
    var isPair: Bool
  }

  let groups: [Group]
  private let covariance: Matrix
  static let shown = 4
  /// A protective reason, and any past the first, must be at least this share of the largest.
  static let worthSaying = 0.1
  /// Half the width of a 90 % interval, in standard errors.
  static let z90 = 1.6448536269514722

  /// `covariance`: of the design's coefficients, intercept last.
  init(schema: FeatureSchema, design: Design, terms: [Contributions.Term], covariance: Matrix) {
    self.covariance = covariance
    func name(_ source: Int) -> String {
      schema.features[source].kind ?? schema.features[source].name
    }
    var groups: [Group] = []
    var places: [[String]: Int] = [:]
    var groupOfTerm: [Contributions.Term: Int] = [:]
    for (index, term) in terms.enumerated() {
      let key: [String]
      switch term {
      case .source(let source): key = [name(source)]
      case .pair(let a, let b): key = name(a) == name(b) ? [name(a)] : [name(a), name(b)].sorted()
      }
      let place = places[key] ?? groups.count
      if place == groups.count {
        places[key] = place
        groups.append(Group(name: key.joined(separator: " & "), isPair: key.count > 1))
      }
      groups[place].terms.append(index)
      groupOfTerm[term] = place
    }
    for (column, term) in design.termOfColumns.enumerated() {
      if let place = groupOfTerm[term] { groups[place].columns.append(column) }
    }
    self.groups = groups
  }

  /// The sum of each group's contributions.
  func sums(_ contributions: [Double]) -> [Double] {
    groups.map { group in group.terms.reduce(0) { $0 + contributions[$1] } }
  }

  /// The reasons of one account: why it is called first, with the strongest that speaks against it,
  /// at most four, largest first; the rest is summed. A reason whose 90 % interval holds 0 is not
  /// said: it is part of the rest. Reasons and `other` add up to the contributions' sum but for
  /// rounding.
  ///
  /// `contributions`: a number a term; `values`: a number a source feature; `deviations`: z − reference
  /// of each column. O(columns of the groups worth saying, squared).
  func explain(
    _ contributions: [Double], values: [Double], deviations: [Double], words: ReasonWords
  ) -> (reasons: [Reason], other: Double, otherCount: Int) {
    let sums = sums(contributions)
    let bySize = groups.indices.filter { sums[$0] != 0 }
      .sorted { (-abs(sums[$0]), $0) < (-abs(sums[$1]), $1) }
    let least = Self.worthSaying * (bySize.first.map { abs(sums[$0]) } ?? 0)
    let worth = bySize.filter { abs(sums[$0]) >= least && isSure($0, sums[$0], deviations) }
    let protective = worth.filter { sums[$0] < 0 }
    let pushing = worth.filter { sums[$0] > 0 }
    let against = protective.prefix(max(min(1, protective.count), Self.shown - pushing.count))
    let chosen = Set(pushing.prefix(Self.shown - against.count) + against)
    let reasons = bySize.filter(chosen.contains).map { index in
      words.reason(groups[index], contribution: sums[index], contributions, values)
    }
    let rest = bySize.filter { !chosen.contains($0) }
    return (
      reasons, rest.reduce(0) { $0 + sums[$1] },
      rest.reduce(0) { count, index in
        count + groups[index].terms.count { contributions[$0] != 0 }
      }
    )
  }

  /// Whether a group's sum is away from 0 by its 90 % interval, the coefficients' covariance being
  /// that of their uncertainty: Var Σ β d = d′ V d.
  private func isSure(_ group: Int, _ sum: Double, _ deviations: [Double]) -> Bool {
    let columns = groups[group].columns
    var variance = 0.0
    for (i, a) in columns.enumerated() where deviations[a] != 0 {
      var cross = 0.0
      for b in columns[..<i] { cross += covariance[a, b] * deviations[b] }
      variance += deviations[a] * (2 * cross + covariance[a, a] * deviations[a])
    }
    return abs(sum) > Self.z90 * max(variance, 0).squareRoot()
  }
}

extension Design {
  /// The term of `Contributions` that each column belongs to, pairs last.
  var termOfColumns: [Contributions.Term] {
    columns.map { .source($0.source) }
      + pairs.map { pair in
        let (a, b) = (columns[pair.first].source, columns[pair.second].source)
        return a < b ? .pair(a, b) : .pair(b, a)
      }
  }
}

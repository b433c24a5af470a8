import Detraction
import Foundation
import Histories
import Learning

/// What a model says of a raw vector, by the definitions and from the model file's own numbers alone.
struct ScoreOracle {
  struct Part: Codable {
    var feature: String
    var contribution: Double
  }

  struct Answer {
    var logit: Double
    var probability: Double
    var band: Band
    /// The reference first, then the reasons, the rest last; together they are the logit.
    var parts: [Part]
    /// How near a choice came to the other one, as a share: rounding may turn what is nearer than 1e-12.
    var margin: Double
  }

  let model: Model
  /// Groups of one name in the order in which they are met: sources, then pairs by their sources.
  private let groups: [(name: String, columns: [Int])]

  init(_ model: Model) {
    self.model = model
    let (design, features) = (model.design, model.schema.features)
    func name(_ source: Int) -> String { features[source].kind ?? features[source].name }
    let paired = design.pairs.enumerated().map { index, pair in
      let sources = [pair.first, pair.second].map { design.columns[$0].source }.sorted()
      return (column: design.columns.count + index, sources: sources)
    }
    var members: [(name: String, column: Int?)] = features.indices.map { (name($0), nil) }
    for source in features.indices {
      for (column, made) in design.columns.enumerated() where made.source == source {
        members.append((name(source), column))
      }
    }
    for pair in paired.sorted(by: { $0.sources.lexicographicallyPrecedes($1.sources) }) {
      let names = Set(pair.sources.map(name)).sorted()
      members.append((names.joined(separator: " & "), pair.column))
    }
    var groups: [(name: String, columns: [Int])] = []
    for member in members {
      let place = groups.firstIndex { $0.name == member.name }
      if place == nil { groups.append((member.name, [])) }
      if let column = member.column { groups[place ?? groups.count - 1].columns.append(column) }
    }
    self.groups = groups
  }

  private func covariance(_ a: Int, _ b: Int) -> Double {
    model.covariance[max(a, b) * (max(a, b) + 1) / 2 + min(a, b)]
  }

  func answers(_ raw: [[Double]]) throws -> [Answer] {
    let x = try Matrix(rows: raw.count, columns: model.schema.count, elements: Array(raw.joined()))
    let z = try model.expand(x, threads: 2)
    let logits = model.logits(z, threads: 2)
    return raw.indices.map { answer(z.row($0), logit: logits[$0]) }
  }

  private func answer(_ z: [Double], logit: Double) -> Answer {
    let d = zip(z, model.reference.means).map { $0 - $1 }
    let sums = groups.map { $0.columns.reduce(0) { $0 + model.coefficients[$1] * d[$1] } }
    let largest = sums.map(abs).max() ?? 0
    var margin = Double.infinity
    func note(_ a: Double, _ b: Double) {
      if a != b { margin = min(margin, abs(a - b) / max(abs(a), abs(b))) }
    }
    let worth = groups.indices.filter { group in
      let columns = groups[group].columns
      if !columns.contains(where: { model.coefficients[$0] != 0 }) { return false }
      note(abs(sums[group]), 0.1 * largest)
      if sums[group] == 0 || abs(sums[group]) < 0.1 * largest { return false }
      var variance = 0.0
      for a in columns { for b in columns { variance += d[a] * d[b] * covariance(a, b) } }
      let halfWidth = 1.6448536269514722 * max(variance, 0).squareRoot()
      note(abs(sums[group]), halfWidth)
      return abs(sums[group]) > halfWidth
    }.sorted { abs(sums[$0]) == abs(sums[$1]) ? $0 < $1 : abs(sums[$0]) > abs(sums[$1]) }
    for (a, b) in zip(worth, worth.dropFirst()) { note(abs(sums[a]), abs(sums[b])) }
    // Reasons are called from the largest on, four at most; one place is kept for the strongest that
    // speaks against, more of them where there is room.
    let against = worth.filter { sums[$0] < 0 }
    let pushing = worth.filter { sums[$0] > 0 }
    var chosen = Set(pushing.prefix(against.isEmpty ? 4 : 3))
    for group in against where chosen.count < 4 { chosen.insert(group) }
    let reference = zip(model.coefficients, model.reference.means)
      .reduce(model.intercept) { $0 + $1.0 * $1.1 }
    let said = worth.filter(chosen.contains).map {
      Part(feature: groups[$0].name, contribution: sums[$0])
    }
    let other = groups.indices.filter { !chosen.contains($0) }.reduce(0) { $0 + sums[$1] }
    let limits = model.reference.bandLimits
    for limit in limits { note(logit, limit) }
    let offset = model.level?.offset?.value ?? 0
    return Answer(
      logit: logit,
      probability: 1 / (1 + exp(-model.calibration.calibrated(logit: logit) - offset)),
      band: logit >= limits[0]
        ? .top : logit >= limits[1] ? .high : logit >= limits[2] ? .medium : .low,
      parts: [Part(feature: "reference", contribution: reference)] + said
        + [Part(feature: "other", contribution: other)],
      margin: margin)
  }
}

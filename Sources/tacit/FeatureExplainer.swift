import ArgumentParser
import Foundation
import Histories

/// `tacit features --explain`: what a feature is, without reading any data.
struct FeatureExplainer {
  /// The names of attributes, where there is a project file.
  let numeric: [String]
  let categorical: [String]

  init(project: String) throws {
    let accounts =
      FileManager.default.fileExists(atPath: project)
      ? HistorySettings(project: try ProjectFile(path: project)).accounts : nil
    numeric = accounts?.numeric ?? []
    categorical = accounts?.categorical ?? []
  }

  /// The features that `name` means: one by its name, all that an aggregate makes of a kind, or
  /// every sort with `all`.
  func features(_ name: String) throws -> [Feature] {
    let open: [Feature] = [
      .openCount(opened: "opened", resolved: "resolved"),
      .openAge(opened: "opened", resolved: "resolved"),
    ]
    func same(_ other: String) -> Bool { other.utf8.elementsEqual(name.utf8) }
    if numeric.contains(where: same) { return [.numeric(name: name)] }
    if categorical.contains(where: same) { return [.categorical(name: name)] }
    if let feature = Feature(name: name) { return [feature] }
    if name == "all" {
      return Aggregate.allCases.flatMap { Feature.examples(of: $0, kind: "order") } + open
    }
    if let aggregate = Aggregate(rawValue: name) {
      return Feature.examples(of: aggregate, kind: "order")
    }
    if let found = open.first(where: { name == ($0 == open[0] ? "open_count" : "open_age") }) {
      return [found]
    }
    let nearest = nearest(name)
    throw ValidationError(
      "no feature is called \"\(name)\""
        + (nearest.map { ": did you mean \"\($0)\"?" } ?? "") + " --explain all shows every sort")
  }

  /// With one part of the name put right, or another name.
  private func nearest(_ name: String) -> String? {
    let known = Aggregate.allCases.map(\.rawValue) + ["open_count", "open_age"]
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    for place in parts.indices {
      guard let better = nearestName(to: parts[place], among: known) else { continue }
      let was = parts[place]
      parts[place] = better
      let whole = parts.joined(separator: ".")
      if parts.count > 1, Feature(name: whole) != nil { return whole }
      parts[place] = was
    }
    return nearestName(to: name, among: known + ["all", "tenure_days"] + numeric + categorical)
  }

  struct Explained: Encodable {
    var name: String
    var unit: String
    var definition: String
    var sql: String
    /// What asks for it in the project file.
    var made: String

    init(_ feature: Feature) {
      name = feature.name
      unit = feature.unit
      definition = feature.definition
      sql = feature.sql
      if let aggregate = feature.aggregate {
        made =
          Aggregate.standard.contains(aggregate)
          ? "by default" : "by [features] aggregates = [\"default\", \"\(aggregate.rawValue)\"]"
      } else if case .openCount(let opened, let resolved) = feature {
        made = Self.pair(opened, resolved)
      } else if case .openAge(let opened, let resolved) = feature {
        made = Self.pair(opened, resolved)
      } else {
        made = "by [accounts] numeric or categorical"
      }
    }

    private static func pair(_ opened: String, _ resolved: String) -> String {
      "by [features] open = [{ opened = \"\(opened)\", resolved = \"\(resolved)\" }]"
    }

    var lines: [String] {
      [name, "  is    \(definition)", "  unit  \(unit)", "  made  \(made)", "  SQL   \(sql)", ""]
    }
  }

  static let vocabulary = """
    In the SQL, t is the as-of date and seen(at, kind, value, channel) the account's events that \
    happened before t and were known before t, in UTC. `n days` is n times 86,400 seconds, \
    seconds() the length of an interval, local_date() and local_hour() are in the project's time \
    zone, max_but_one() is the second largest, ties counted, and (kinds) lists the kinds that \
    features are made of.
    """
}

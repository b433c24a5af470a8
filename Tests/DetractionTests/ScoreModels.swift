import Detraction
import Foundation
import Histories
import Learning
import TestSupport
import Testing

/// Models for holding the SQL against: a trained one with other parts in it.
enum ScoreModels {
  /// Of every fifth feature and the texts: with a design of all shapes over the sample's vectors, pairs,
  /// and everything else drawn.
  static func shaped(_ whole: Model, seed: UInt64) throws -> Model {
    let sample = try SampleTraining.shared.get()
    let trained = try fewer(whole) { $0 % 5 == 0 }
    var random = SplitMix64(seed)
    let raw = try Matrix(
      rows: sample.base.accountCount, columns: trained.schema.count,
      elements: try sample.base.vectors(
        trained.schema,
        rows: (0..<sample.base.accountCount).map {
          VectorRow(account: Int32($0), asOf: trained.asOf)
        }, threads: 2))
    let fitted = try Design(
      fitting: raw,
      sources: trained.schema.levels.map { $0.isEmpty ? .numeric : .categorical(levels: $0.count) },
      shapes: .auto, threads: 2)
    let design = try added(fitted, trained)
    let x = try design.expand(raw, threads: 2)
    var model = trained
    model.design = design
    let p = design.width
    model.coefficients = (0..<p).map { _ in
      random.below(12) == 0 ? 0 : (random.uniform() - 0.5) * 4 / Double(p).squareRoot()
    }
    model.intercept = -1.7
    model.reference.means = (0..<p).map { j in x.column(j).reduce(0, +) / Double(x.rows) }
    // A Aᵀ of few columns, and a diagonal: neighbours vary together.
    let factors = (0..<(p + 1)).map { _ in (0..<3).map { _ in (random.uniform() - 0.5) * 0.06 } }
    model.covariance = (0...p).flatMap { a in
      (0...a).map { b in
        zip(factors[a], factors[b]).reduce(a == b ? 1e-4 : 0) { $0 + $1.0 * $1.1 }
      }
    }
    let logits = model.logits(x, threads: 2).sorted()
    model.reference.bandLimits = [0.99, 0.95, 0.8].map { share in
      let place = Int(share * Double(logits.count))
      return (logits[place] + logits[place + 1]) / 2
    }
    model.propensity = nil
    model.golden = []
    return model
  }

  /// A schema of some of the features; without a design that fits it.
  private static func fewer(_ model: Model, _ isKept: (Int) -> Bool) throws -> Model {
    var model = model
    let schema = model.schema
    let kept = schema.features.indices.filter { isKept($0) || !schema.levels[$0].isEmpty }
    model.schema = try FeatureSchema(
      kinds: schema.kinds, features: kept.map { schema.features[$0] },
      levels: kept.map { schema.levels[$0] }, timeZone: schema.timeZone, roles: [:])
    model.reference.typical = kept.map { model.reference.typical[$0] }
    model.reference.features = kept.map { model.reference.features[$0] }
    return model
  }

  /// With clamps and codes for missing, pairs of a group, across groups, of texts, and one twice.
  private static func added(_ design: Design, _ trained: Model) throws -> Design {
    let features = trained.schema.features
    func column(_ isWanted: (Feature, DesignColumn) -> Bool) throws -> Int {
      try #require(design.columns.firstIndex { isWanted(features[$0.source], $0) })
    }
    func kind(_ name: String, _ nth: Int) throws -> Int {
      let own = design.columns.indices.filter { features[design.columns[$0].source].kind == name }
      return own[nth % own.count]
    }
    let text = try column { feature, column in
      if case .level = column.basis { true } else { false }
    }
    let pairs = [
      (try kind("login", 3), try kind("order", 40)), (try kind("order", 2), try kind("login", 9)),
      (try kind("order", 1), try kind("order", 30)), (text, try kind("late_delivery", 5)),
      (try kind("payment_failed", 2), try kind("late_delivery", 20)),
    ]
    let encoded = try JSONSerialization.jsonObject(with: try JSONEncoder().encode(design))
    var object = try #require(encoded as? [String: Any])
    object["pairs"] = pairs.enumerated().map { index, pair in
      [
        "first": pair.0, "second": pair.1, "mean": 0.1 * Double(index), "scale": 1.5,
      ] as [String: Any]
    }
    var cleaning = try #require(object["cleaning"] as? [[String: Any]])
    for source in cleaning.indices where source % 3 == 0 {
      cleaning[source]["missingCodes"] = [-77, 3]
      cleaning[source]["lower"] = -0.5
      cleaning[source]["upper"] = 1e6
    }
    object["cleaning"] = cleaning
    let made = try JSONDecoder().decode(
      Design.self, from: try JSONSerialization.data(withJSONObject: object))
    #expect(Set(made.columns.map { Self.name($0.basis) }).count >= 7)
    return made
  }

  private static func name(_ basis: Basis) -> String {
    switch basis {
    case .linear: "linear"
    case .log1p: "log1p"
    case .missing: "missing"
    case .nonzero: "nonzero"
    case .step: "step"
    case .hinge: "hinge"
    case .logHinge: "logHinge"
    case .level: "level"
    case .pooled: "pooled"
    }
  }

  /// With an offset of the silent's level, or none.
  static func with(_ model: Model, offset: Double?) throws -> Model {
    var model = model
    let measured = try #require(model.evidence?.level)
    let object = try JSONSerialization.jsonObject(with: try JSONEncoder().encode(measured))
    var level = try #require(object as? [String: Any])
    level["offset"] = offset.map { ["value": $0, "low": $0 - 1, "high": $0 + 1] }
    level["offsetError"] = offset.map { _ in 0.5 }
    level["isMeasured"] = offset != nil
    model.evidence?.level = try JSONDecoder().decode(
      SilentLevel.self, from: try JSONSerialization.data(withJSONObject: level))
    return model
  }

  static let hostile = [
    "it's \\ \"a\"", "${x}; -- y", "a\\", "Order", "order", "100% %s\n\tx",
    "\u{1F469}\u{200D}\u{1F467} '\u{200D}\"\u{301}",
  ]

  /// Seven numbers and a text, their names and levels hostile; linear columns of weight 1 or −1 that are
  /// all sure but the sixth, and columns for levels.
  static func small(_ trained: Model) throws -> Model {
    var model = trained
    let levels = [
      "NORTH", "north", "No'rth\\", "${y};--'", "\u{1F469}\u{200D}\u{1F467}", "a\nb\u{1}",
    ]
    model.schema = try FeatureSchema(
      kinds: [], features: hostile.map { .numeric(name: $0) } + [.categorical(name: "plan\u{1}")],
      levels: hostile.map { _ in [] } + [levels], timeZone: "UTC", roles: [:])
    let numbers = hostile.indices.map {
      #"{"source":\#($0),"basis":{"linear":{}},"mean":0,"scale":1}"#
    }
    let texts = [
      #"{"level":{"_0":0}}"#, #"{"level":{"_0":1}}"#, #"{"level":{"_0":2}}"#,
      #"{"level":{"_0":3}}"#, #"{"pooled":{"_0":[4,5]}}"#, #"{"missing":{}}"#,
    ].map { #"{"source":7,"basis":\#($0),"mean":0,"scale":1}"# }
    model.design = try JSONDecoder().decode(
      Design.self,
      from: Data(
        """
        {"sources":[\(hostile.map { _ in #"{"numeric":{}}"# }.joined(separator: ",")),
          {"categorical":{"levels":6}}],
         "columns":[\((numbers + texts).joined(separator: ","))],"dropped":[]}
        """.utf8))
    model.coefficients = [1, -1, 1, 1, -1, 1, -1, 0.5, -0.5, 1, -1.5, 2, -2.5]
    model.intercept = 0.25
    let p = model.coefficients.count
    model.reference.means = [0, 0, 0.5, 0, -0.5, 0, 0] + (7..<p).map { $0 % 2 == 0 ? 0 : 0.25 }
    model.covariance = (0...p).flatMap { a in
      (0...a).map { b in a != b ? 0 : a == 5 ? 0.5 : 0.01 }
    }
    // The levels of the text vary together, most of them.
    for (a, b) in [(9, 8), (11, 7), (12, 9)] { model.covariance[a * (a + 1) / 2 + b] = -0.005 }
    model.reference.bandLimits = [2, 1.25, 0]
    model.calibration = .none
    model.propensity = nil
    model.golden = []
    return model
  }
}

import Foundation

/// How one column of a design is made from one source feature.
///
/// Closed on purpose: every case has a plain SQL meaning over the source's column x as it is after
/// `SourceCleaning`, NULL being missing, and each switch over it is exhaustive. Where x is NULL,
/// `missing` is 1, `level` and `pooled` are 0, and the others are NULL: a column that is NULL stands
/// at its mean, so that its standardised value is 0.
package enum Basis: Sendable, Codable, Hashable {
  /// `x`
  case linear
  /// `SIGN(x) * LN(1 + ABS(x))`
  case log1p
  /// `CASE WHEN x IS NULL THEN 1 ELSE 0 END`
  case missing
  /// `CASE WHEN x <> 0 THEN 1 WHEN x = 0 THEN 0 END`
  case nonzero
  /// `CASE WHEN x > knot THEN 1 WHEN x <= knot THEN 0 END`
  case step(knot: Double)
  /// `CASE WHEN x > knot THEN x - knot WHEN x <= knot THEN 0 END`
  case hinge(knot: Double)
  /// The hinge of l = `SIGN(x) * LN(1 + ABS(x))`, its knot on the scale of l.
  case logHinge(knot: Double)
  /// `CASE WHEN x = code THEN 1 ELSE 0 END`
  case level(Int)
  /// `CASE WHEN x IN (codes) THEN 1 ELSE 0 END`: levels too rare to stand alone
  case pooled([Int])

  /// The column's value before standardisation; NaN where it is missing.
  func value(_ x: Double) -> Double {
    value(x, log: usesLog ? Self.signedLog(x) : 0)
  }

  /// The same, with `signedLog(x)` at hand; it is read only if `usesLog`.
  @inline(__always)
  func value(_ x: Double, log: Double) -> Double {
    switch self {
    case .linear: x
    case .log1p: log
    case .missing: x.isNaN ? 1 : 0
    case .nonzero: x.isNaN ? x : (x != 0 ? 1 : 0)
    case .step(let knot): x.isNaN ? x : (x > knot ? 1 : 0)
    case .hinge(let knot): x.isNaN ? x : (x > knot ? x - knot : 0)
    case .logHinge(let knot): x.isNaN ? x : (log > knot ? log - knot : 0)
    case .level(let code): x == Double(code) ? 1 : 0
    case .pooled(let codes): codes.contains { x == Double($0) } ? 1 : 0
    }
  }

  /// Whether the column never falls while x rises, missing values apart.
  package var rises: Bool {
    switch self {
    case .linear, .log1p, .step, .hinge, .logHinge: true
    case .missing, .nonzero, .level, .pooled: false
    }
  }

  var usesLog: Bool {
    switch self {
    case .log1p, .logHinge: true
    case .linear, .missing, .nonzero, .step, .hinge, .level, .pooled: false
    }
  }

  /// The x whose signed logarithm is `l`.
  package static func inverseSignedLog(_ l: Double) -> Double {
    l < 0 ? -expm1(-l) : expm1(l)
  }

  /// sign(x) ln(1 + |x|).
  static func signedLog(_ x: Double) -> Double {
    x < 0 ? -Foundation.log1p(-x) : Foundation.log1p(x)
  }
}

/// What happens to a numeric source's values before any basis sees them.
///
///     CASE WHEN x IN (missing codes) THEN NULL
///          WHEN x < lower THEN lower WHEN x > upper THEN upper ELSE x END
package struct SourceCleaning: Sendable, Codable, Equatable {
  /// Values that mean "missing", such as −999999.
  package let missingCodes: [Double]
  /// What training rows hold but for a few extreme ones; nil: no limit.
  package let lower: Double?
  package let upper: Double?

  /// Leaves values as they are.
  static let none = SourceCleaning(missingCodes: [], lower: nil, upper: nil)

  /// The value that bases see; NaN where it is missing.
  package func clean(_ x: Double) -> Double {
    if missingCodes.contains(x) { return .nan }
    if let lower, x < lower { return lower }
    if let upper, x > upper { return upper }
    return x
  }
}

/// One column of a design: (basis(x) − mean) / scale, 0 where that is missing.
package struct DesignColumn: Sendable, Codable, Equatable {
  /// Index of the source feature.
  package let source: Int
  package let basis: Basis
  package let mean: Double
  /// Standard deviation with divisor W; above 0.
  package let scale: Double

  /// The standardised value of a cleaned x; 0 (the mean) where x is missing.
  package func value(_ x: Double) -> Double {
    let v = basis.value(x)
    return v.isNaN ? 0 : (v - mean) / scale
  }
}

/// A column that is the product of two columns of different sources, given by their indices in
/// `Design.columns`: (z_first z_second − mean) / scale, z being their standardised values.
package struct DesignPair: Sendable, Codable, Equatable {
  package let first: Int
  package let second: Int
  package let mean: Double
  /// Above 0.
  package let scale: Double
}

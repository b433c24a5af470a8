import Foundation

/// How one column of a design is made from one source feature.
///
/// Closed on purpose: every case has a plain SQL meaning over the source's column x, NULL being
/// missing, and each switch over it is exhaustive.
package enum Basis: Sendable, Codable, Hashable {
  /// `x`
  case linear
  /// `SIGN(x) * LN(1 + ABS(x))`
  case log1p
  /// `CASE WHEN x IS NULL THEN 1 ELSE 0 END`
  case missing
  /// `CASE WHEN x = code THEN 1 ELSE 0 END`
  case level(Int)
  /// `CASE WHEN x IN (codes) THEN 1 ELSE 0 END`: levels too rare to stand alone
  case pooled([Int])

  /// The column's value before standardisation; NaN where it is missing (only of `linear`, `log1p`).
  func value(_ x: Double) -> Double {
    switch self {
    case .linear: x
    case .log1p: x < 0 ? -Self.log1p(-x) : Self.log1p(x)
    case .missing: x.isNaN ? 1 : 0
    case .level(let code): x == Double(code) ? 1 : 0
    case .pooled(let codes): codes.contains { x == Double($0) } ? 1 : 0
    }
  }

  private static func log1p(_ x: Double) -> Double { Foundation.log1p(x) }
}

/// One column of a design: (basis(x) − mean) / scale, 0 where that is missing.
package struct DesignColumn: Sendable, Codable, Equatable {
  /// Index of the source feature.
  package let source: Int
  package let basis: Basis
  package let mean: Double
  /// Standard deviation with divisor n; above 0.
  package let scale: Double

  /// The standardised value; 0 (the mean) where x is missing.
  package func value(_ x: Double) -> Double {
    let v = basis.value(x)
    return v.isNaN ? 0 : (v - mean) / scale
  }
}

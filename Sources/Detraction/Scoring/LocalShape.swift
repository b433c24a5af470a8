package import Learning

/// What one source feature does to the logit, read off the model: the curve of its columns over the
/// feature's value, pairs left out.
package struct LocalShape: Sendable {
  private let columns: [(column: DesignColumn, coefficient: Double)]
  private let cleaning: SourceCleaning

  package init(_ design: Design, coefficients: [Double], source: Int) {
    cleaning = design.cleaning[source]
    columns = zip(design.columns, coefficients).filter { $0.0.source == source }
      .map { (column: $0.0, coefficient: $0.1) }
  }

  /// The logit's part at a raw value, NaN being missing; 0 at the training rows' mean. O(columns).
  package func effect(_ value: Double) -> Double {
    let clean = cleaning.clean(value)
    return columns.reduce(0) { $0 + $1.coefficient * $1.column.value(clean) }
  }

  /// Between two values, how the curve goes.
  package enum Course: Sendable, Equatable {
    /// Most of the difference is one step: above `knot` and not at it.
    case step(Double)
    /// From the first value to the second the curve goes one way.
    case slope
    /// It turns on the way, or does nothing.
    case other
  }

  /// A step that carries at least so much of the difference is said to be at its place.
  static let ofOneStep = 0.6

  /// The course from one value to another; neither is NaN. O(columns²).
  package func course(from first: Double, to second: Double) -> Course {
    let (low, high) = (cleaning.clean(min(first, second)), cleaning.clean(max(first, second)))
    guard low < high else { return .other }
    let whole = effect(high) - effect(low)
    guard whole != 0 else { return .other }
    let knots = Set(columns.compactMap { jump($0.column.basis) }).filter { $0 >= low && $0 < high }
      .sorted()
    for knot in knots {
      if (effect(knot.nextUp) - effect(knot)) / whole >= Self.ofOneStep { return .step(knot) }
    }
    // One way: between neighbouring turning points nothing goes against the whole by more than a
    // tenth of it.
    let turns = Set(columns.compactMap { turn($0.column.basis) }).filter { $0 > low && $0 < high }
    let places = ([low, high] + turns.flatMap { [$0, $0.nextUp] }).sorted()
    let against = zip(places, places.dropFirst())
      .map { (effect($1) - effect($0)) / whole }.filter { $0 < 0 }.reduce(0, +)
    return against > -0.1 ? .slope : .other
  }

  /// Where a column jumps.
  private func jump(_ basis: Basis) -> Double? {
    switch basis {
    case .step(let knot): knot
    case .nonzero: 0
    case .linear, .log1p, .missing, .hinge, .logHinge, .level, .pooled: nil
    }
  }

  /// Where a column's course changes, on the scale of the values.
  private func turn(_ basis: Basis) -> Double? {
    switch basis {
    case .step(let knot), .hinge(let knot): knot
    case .logHinge(let knot): Basis.inverseSignedLog(knot)
    case .nonzero: 0
    case .linear, .log1p, .missing, .level, .pooled: nil
    }
  }
}

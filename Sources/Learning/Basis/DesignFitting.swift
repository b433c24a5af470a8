extension Design {
  /// Which columns a source may give.
  package enum Shapes: String, Sendable, Codable {
    /// A numeric source as it is, levels, missing indicators.
    case plain
    /// The same, with the logarithm instead of a heavy-tailed numeric source.
    case logged
    /// The shape of a numeric source besides: its zero, steps and hinges at quantiles of its
    /// distinct values; extremes clamped, codes for "missing" found.
    case auto
  }

  /// Most columns that shapes are allowed: where sources are many, knots lie further apart, so that
  /// sources with few rows besides their zero lose theirs first.
  package static let mostShapedColumns = 1_500

  /// Chooses the columns and their scales from training rows (sources in columns, NaN missing) and
  /// their weights (all 1 if nil; a weight of 2 is the row twice). Labels have no part in it.
  ///
  /// - `plain`, `logged`: a numeric source gives one column, `linear`; or, if `logged`, `log1p` where
  ///   its skewness (of present values) exceeds 2 in size and the logarithm's is smaller.
  /// - `auto`: see `NumericShape`; splits have 10 to 20 rows at least on either side.
  /// - A categorical source gives a `level` column for each level of at least `minimumLevelCount`
  ///   rows (`auto`: as many as a split needs) but the most frequent one, which is the baseline, and
  ///   a `pooled` one for the rarer.
  /// - Either gives a `missing` column where more than 1 % and less than 99 % are missing (`auto`: as
  ///   many rows on either side as a split needs).
  /// - Constant columns and copies of earlier ones are dropped and reported.
  ///
  /// Throws `nonFiniteInput` for an infinity, `badLevel`, `sizeMismatch`, `tooFewRows`.
  /// O(rows × (columns + sources log rows)), and another such term for equal-looking columns.
  package init(
    fitting x: Matrix, sources: [DesignSource], shapes: Shapes = .logged,
    weights: [Double]? = nil, minimumLevelCount: Int = 50, threads: Int = 1
  ) throws(LearningError) {
    guard sources.count == x.columns else {
      throw .sizeMismatch(
        what: "sources of the design", expected: x.columns, got: sources.count)
    }
    guard weights == nil || weights?.count == x.rows else {
      throw .sizeMismatch(what: "weights", expected: x.rows, got: weights?.count ?? 0)
    }
    guard x.rows >= 2 else { throw .tooFewRows(rows: x.rows, needed: 2) }
    try Self.check(x, sources, threads: threads)
    let total = weights.map { $0.reduce(0, +) } ?? Double(x.rows)
    let rules = Rules(
      shapes: shapes, total: total,
      minimum: shapes == .auto
        ? max(10, min(20, total / 400)) : Double(minimumLevelCount))
    let plans = StripedWork.map(stripes: x.columns, threads: threads) { source in
      rules.plan(x.column(source), weights, sources[source])
    }
    var spacing = rules.minimum
    func count(_ spacing: Double) -> Int { plans.reduce(0) { $0 + $1.bases(spacing).count } }
    while count(spacing) > Self.mostShapedColumns, spacing < total { spacing *= 1.25 }
    let weightPerKnot = spacing
    let candidates = StripedWork.map(stripes: x.columns, threads: threads) { source in
      let cleaning = plans[source].cleaning
      let values = x.column(source).map(cleaning.clean)
      let bases = plans[source].bases(weightPerKnot)
      let logs = bases.contains(where: \.usesLog) ? values.map(Basis.signedLog) : values
      return bases.map { basis in
        let moments = Moments(
          of: values.indices.lazy.map {
            (basis.value(values[$0], log: logs[$0]), weights?[$0] ?? 1)
          })
        return DesignColumn(
          source: source, basis: basis, mean: moments.mean, scale: moments.deviation)
      }
    }
    let cleaning = plans.map(\.cleaning)
    var columns: [DesignColumn] = []
    var dropped: [Dropped] = []
    for column in candidates.joined() {
      if column.scale == 0 {
        dropped.append(.init(source: column.source, basis: column.basis, reason: .constant))
      } else if let k = columns.firstIndex(where: { Self.areEqual($0, column, x, cleaning) }) {
        dropped.append(
          .init(source: column.source, basis: column.basis, reason: .duplicate(of: k)))
      } else {
        columns.append(column)
      }
    }
    self.init(
      sources: sources, cleaning: cleaning, columns: columns, pairs: [], dropped: dropped)
  }

  /// Whether two columns are equal, missing included, before standardisation in every row.
  private static func areEqual(
    _ a: DesignColumn, _ b: DesignColumn, _ x: Matrix, _ cleaning: [SourceCleaning]
  ) -> Bool {
    guard a.mean == b.mean, a.scale == b.scale else { return false }
    let (first, second) = (cleaning[a.source], cleaning[b.source])
    for row in 0..<x.rows {
      let va = a.basis.value(first.clean(x[row, a.source]))
      let vb = b.basis.value(second.clean(x[row, b.source]))
      guard va == vb || (va.isNaN && vb.isNaN) else { return false }
    }
    return true
  }
}

/// The bases a source could give, and how its values are cleaned for them.
private struct SourcePlan: Sendable {
  let cleaning: SourceCleaning
  /// By the weight of rows that a knot is worth.
  let bases: @Sendable (Double) -> [Basis]
}

private struct Rules: Sendable {
  let shapes: Design.Shapes
  /// Σ w.
  let total: Double
  /// Least weight of a level; of either side of a split.
  let minimum: Double

  func plan(_ values: [Double], _ weights: [Double]?, _ source: DesignSource) -> SourcePlan {
    switch source {
    case .categorical(let levels):
      let bases = self.levels(values, weights, levels) + missing(values, weights)
      return SourcePlan(cleaning: .none) { _ in bases }
    case .numeric where shapes == .auto:
      let shape = NumericShape(values, weights: weights, minimum: minimum)
      return SourcePlan(cleaning: shape.cleaning) { shape.bases(weightPerKnot: $0) }
    case .numeric:
      let bases = [isLog(values, weights) ? .log1p : .linear] + missing(values, weights)
      return SourcePlan(cleaning: .none) { _ in bases }
    }
  }

  private func isLog(_ values: [Double], _ weights: [Double]?) -> Bool {
    guard shapes == .logged else { return false }
    func skewness(_ map: (Double) -> Double) -> Double {
      abs(Moments(of: values.indices.map { (map(values[$0]), weights?[$0] ?? 1) }).skewness)
    }
    let linear = skewness { $0 }
    return linear > 2 && skewness(Basis.signedLog) < linear
  }

  private func levels(_ values: [Double], _ weights: [Double]?, _ levels: Int) -> [Basis] {
    var counts = [Double](repeating: 0, count: levels)
    for (row, value) in values.enumerated() where !value.isNaN {
      counts[Int(value)] += weights?[row] ?? 1
    }
    let baseline = counts.firstIndex(of: counts.max() ?? 0)
    var bases: [Basis] = []
    var rare: [Int] = []
    for code in 0..<levels where code != baseline {
      if counts[code] >= minimum { bases.append(.level(code)) } else { rare.append(code) }
    }
    if !rare.isEmpty { bases.append(.pooled(rare)) }
    return bases
  }

  private func missing(_ values: [Double], _ weights: [Double]?) -> [Basis] {
    var weight = 0.0
    for (row, value) in values.enumerated() where value.isNaN { weight += weights?[row] ?? 1 }
    let isEnough =
      shapes == .auto
      ? weight >= minimum && total - weight >= minimum
      : weight * 100 > total && weight * 100 < total * 99
    return isEnough ? [.missing] : []
  }
}

/// What a source feature holds. Missing is NaN in both.
package enum DesignSource: Sendable, Codable, Hashable {
  case numeric
  /// Codes 0 ..< levels.
  case categorical(levels: Int)
}

/// The standardised columns that a model sees, made from source features.
///
/// Fitted on training rows and then fixed: `expand` does the same to any rows.
package struct Design: Sendable, Codable, Equatable {
  /// A column that was not worth having.
  package struct Dropped: Sendable, Codable, Equatable {
    package enum Reason: Sendable, Codable, Equatable {
      /// All training rows have the same value.
      case constant
      /// Equal in every training row to a kept column, given by its index in `columns`.
      case duplicate(of: Int)
    }

    package let source: Int
    package let basis: Basis
    package let reason: Reason
  }

  package let sources: [DesignSource]
  package let columns: [DesignColumn]
  package let dropped: [Dropped]

  /// Chooses the columns and their scales from training rows (sources in columns, NaN missing).
  ///
  /// - A numeric source gives one column: `log1p` where its skewness (of present values) exceeds 2 in
  ///   size and the logarithm's is smaller, else `linear`.
  /// - A categorical source gives a `level` column for each level of at least `minimumLevelCount`
  ///   rows but the most frequent one, which is the baseline, and a `pooled` one for the rarer.
  /// - Either gives a `missing` column where more than 1 % and less than 99 % are missing.
  /// - Constant columns and copies of earlier ones are dropped and reported.
  ///
  /// Throws `nonFiniteInput` for an infinity, `badLevel`, `sizeMismatch`, `tooFewRows`.
  /// O(rows × sources), and another such term for equal-looking columns.
  package init(
    fitting x: Matrix, sources: [DesignSource], minimumLevelCount: Int = 50, threads: Int = 1
  ) throws(LearningError) {
    guard sources.count == x.columns else {
      throw .sizeMismatch(
        what: "sources of the design", expected: x.columns, got: sources.count)
    }
    guard x.rows >= 2 else { throw .tooFewRows(rows: x.rows, needed: 2) }
    try Self.check(x, sources)
    let candidates = StripedWork.map(stripes: x.columns, threads: threads) { source in
      Self.candidates(x.column(source), source, sources[source], minimumLevelCount)
    }
    var columns: [DesignColumn] = []
    var dropped: [Dropped] = []
    for column in candidates.joined() {
      if column.scale == 0 {
        dropped.append(.init(source: column.source, basis: column.basis, reason: .constant))
      } else if let k = columns.firstIndex(where: { Self.areEqual($0, column, x) }) {
        dropped.append(
          .init(source: column.source, basis: column.basis, reason: .duplicate(of: k)))
      } else {
        columns.append(column)
      }
    }
    self.sources = sources
    self.columns = columns
    self.dropped = dropped
  }

  /// The standardised columns of the given rows, row-major, never NaN.
  ///
  /// Throws `sizeMismatch`, `nonFiniteInput` for an infinity, `badLevel`. O(rows × columns).
  package func expand(_ x: Matrix, threads: Int = 1) throws(LearningError) -> Matrix {
    guard x.columns == sources.count else {
      throw .sizeMismatch(
        what: "source features of the rows", expected: sources.count, got: x.columns)
    }
    try Self.check(x, sources)
    let width = columns.count
    let storage = MatrixStorage(uninitialized: x.rows * width)
    let stripes = StripedWork.bounds(of: x.rows, unit: 256)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      let target = storage.mutableValues
      for row in stripes[stripe] {
        for (k, column) in columns.enumerated() {
          target[row * width + k] = column.value(x[row, column.source])
        }
      }
    }
    return Matrix(rows: x.rows, columns: width, order: .rowMajor, storage: storage)
  }

  private static func check(_ x: Matrix, _ sources: [DesignSource]) throws(LearningError) {
    for (column, source) in sources.enumerated() {
      for row in 0..<x.rows {
        let value = x[row, column]
        if value.isNaN { continue }
        switch source {
        case .numeric:
          guard value.isFinite else { throw .nonFiniteInput(row: row, column: column) }
        case .categorical(let levels):
          guard value >= 0, value < Double(levels), value == value.rounded() else {
            throw .badLevel(row: row, source: column, value: value, levels: levels)
          }
        }
      }
    }
  }

  /// The columns a source could give; scale 0 marks a constant one.
  private static func candidates(
    _ values: [Double], _ source: Int, _ kind: DesignSource, _ minimumLevelCount: Int
  ) -> [DesignColumn] {
    func column(_ basis: Basis) -> (DesignColumn, skewness: Double) {
      let moments = Moments(of: values.lazy.map { basis.value($0) })
      return (
        DesignColumn(source: source, basis: basis, mean: moments.mean, scale: moments.deviation),
        moments.skewness
      )
    }
    var columns: [DesignColumn] = []
    switch kind {
    case .numeric:
      let linear = column(.linear)
      let log = column(.log1p)
      let isLog = abs(linear.skewness) > 2 && abs(log.skewness) < abs(linear.skewness)
      columns.append(isLog ? log.0 : linear.0)
    case .categorical(let levels):
      var counts = [Int](repeating: 0, count: levels)
      for value in values where !value.isNaN { counts[Int(value)] += 1 }
      let most = counts.max() ?? 0
      let baseline = counts.firstIndex(of: most)
      var rare: [Int] = []
      for code in 0..<levels where code != baseline {
        if counts[code] >= minimumLevelCount {
          columns.append(column(.level(code)).0)
        } else {
          rare.append(code)
        }
      }
      if !rare.isEmpty { columns.append(column(.pooled(rare)).0) }
    }
    let missing = values.reduce(0) { $0 + ($1.isNaN ? 1 : 0) }
    if missing * 100 > values.count, missing * 100 < values.count * 99 {
      columns.append(column(.missing).0)
    }
    return columns
  }

  /// Whether two columns are equal, missing included, before standardisation in every row.
  private static func areEqual(_ a: DesignColumn, _ b: DesignColumn, _ x: Matrix) -> Bool {
    guard a.mean == b.mean, a.scale == b.scale else { return false }
    for row in 0..<x.rows {
      let va = a.basis.value(x[row, a.source])
      let vb = b.basis.value(x[row, b.source])
      guard va == vb || (va.isNaN && vb.isNaN) else { return false }
    }
    return true
  }
}

/// Mean, deviation (divisor n) and skewness of the values that are not NaN.
private struct Moments {
  var mean = 0.0
  var deviation = 0.0
  var skewness = 0.0

  init(of values: some Sequence<Double>) {
    var count = 0.0
    var sum = 0.0
    var largest = 0.0
    for value in values where !value.isNaN {
      count += 1
      sum += value
      largest = max(largest, abs(value))
    }
    guard count > 0 else { return }
    mean = sum / count
    var second = 0.0
    var third = 0.0
    for value in values where !value.isNaN {
      let d = value - mean
      second += d * d
      third += d * d * d
    }
    let variance = second / count
    // Below this the spread is rounding.
    guard variance.squareRoot() > 1e-13 * largest else { return }
    deviation = variance.squareRoot()
    skewness = third / count / (variance * deviation)
  }
}

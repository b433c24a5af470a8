/// What a source feature holds. Missing is NaN in both.
package enum DesignSource: Sendable, Codable, Hashable {
  case numeric
  /// Codes 0 ..< levels.
  case categorical(levels: Int)
}

/// The standardised columns that a model sees, made from source features: first `columns`, each of
/// one source, then `pairs`, each a product of two of them.
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
  /// One a source.
  package let cleaning: [SourceCleaning]
  /// In the order of their sources.
  package let columns: [DesignColumn]
  package let pairs: [DesignPair]
  package let dropped: [Dropped]

  /// Columns and pairs together.
  package var width: Int { columns.count + pairs.count }

  init(
    sources: [DesignSource], cleaning: [SourceCleaning], columns: [DesignColumn],
    pairs: [DesignPair], dropped: [Dropped]
  ) {
    self.sources = sources
    self.cleaning = cleaning
    self.columns = columns
    self.pairs = pairs
    self.dropped = dropped
  }

  /// The same with these pairs instead of its own.
  package func with(pairs: [DesignPair]) -> Design {
    Design(
      sources: sources, cleaning: cleaning, columns: columns, pairs: pairs, dropped: dropped)
  }

  /// The standardised columns of the given rows, row-major, never NaN.
  ///
  /// Values outside what training rows held are clamped, levels that no column knows are the
  /// baseline. Throws `sizeMismatch`, `nonFiniteInput` for an infinity, `badLevel`. O(rows × width).
  package func expand(_ x: Matrix, threads: Int = 1) throws(LearningError) -> Matrix {
    guard x.columns == sources.count else {
      throw .sizeMismatch(
        what: "source features of the rows", expected: sources.count, got: x.columns)
    }
    try Self.check(x, sources, threads: threads)
    let storage = MatrixStorage(uninitialized: x.rows * width)
    let stripes = StripedWork.bounds(of: x.rows, unit: 256)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      guard let target = storage.mutableValues.baseAddress else { return }
      let range = stripes[stripe]
      write(
        x, rows: range.count, row: { range.lowerBound + $0 },
        into: target + range.lowerBound * width, rowStride: width, columnStride: 1)
    }
    return Matrix(rows: x.rows, columns: width, order: .rowMajor, storage: storage)
  }

  /// `expand`, in the room of the rows themselves where nobody else holds them and the columns fit:
  /// memory then never holds both. Throws as `expand`. O(rows × width).
  package func expand(
    replacing rows: consuming Matrix, threads: Int = 1
  ) throws(LearningError) -> Matrix {
    var x = rows
    guard x.columns == sources.count, x.order == .rowMajor, width <= x.columns, width > 0,
      x.storage.isOwned, isKnownUniquelyReferenced(&x.storage),
      let base = x.storage.mutableValues.baseAddress
    else { return try expand(x, threads: threads) }
    try Self.check(x, sources, threads: threads)
    // A lot of rows ends before the first row of the next one begins.
    let lot = 4096
    let scratch = ScratchBlock<Double>(count: min(lot, x.rows) * width)
    for start in stride(from: 0, to: x.rows, by: lot) {
      let count = min(lot, x.rows - start)
      let stripes = StripedWork.bounds(of: count, unit: 64, maximum: 16)
      let from = x
      StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
        let range = stripes[stripe]
        write(
          from, rows: range.count, row: { start + range.lowerBound + $0 },
          into: scratch.values + range.lowerBound * width, rowStride: width, columnStride: 1)
      }
      (base + start * width).update(from: scratch.values, count: count * width)
    }
    return Matrix(
      rows: x.rows, columns: width, order: .rowMajor,
      storage: MatrixStorage(first: x.rows * width, of: x.storage))
  }

  /// Throws `nonFiniteInput`, `badLevel`: the first such row of the first such source.
  static func check(
    _ x: Matrix, _ sources: [DesignSource], threads: Int
  ) throws(LearningError) {
    let errors = StripedWork.map(stripes: x.columns, threads: threads) { column in
      firstError(x, column, sources[column])
    }
    for case .some(let error) in errors { throw error }
  }

  private static func firstError(
    _ x: Matrix, _ column: Int, _ source: DesignSource
  ) -> LearningError? {
    for row in 0..<x.rows {
      let value = x[row, column]
      if value.isNaN { continue }
      switch source {
      case .numeric:
        if !value.isFinite { return .nonFiniteInput(row: row, column: column) }
      case .categorical(let levels):
        guard value >= 0, value < Double(levels), value == value.rounded() else {
          return .badLevel(row: row, source: column, value: value, levels: levels)
        }
      }
    }
    return nil
  }
}

/// Weighted mean and standard deviation (divisor W, "ddof 0") of every column.
package struct ColumnStatistics: Sendable, Equatable, Codable {
  package let means: [Double]
  /// 0 for a constant column.
  package let deviations: [Double]

  /// What a column is divided by: its deviation, 1 for a constant one.
  var units: [Double] { deviations.map { $0 > 0 ? $0 : 1 } }

  /// One pass over the rows that take part, sums shifted by a first guess of the mean so that a large mean costs no
  /// digits. Deviations below 1e-13 of the largest magnitude are rounding and count as 0.
  ///
  /// Throws `nonFiniteInput` with the first such row and column. O(rows × columns).
  init(of data: LogisticData) throws(LearningError) {
    let (x, weights, weightSum, sample) = (data.x, data.weights, data.weightSum, data.sample)
    let p = x.columns
    guard x.rows > 0, p > 0 else {
      means = [Double](repeating: 0, count: p)
      deviations = means
      return
    }
    let shift = Self.guess(x)
    let stripes = StripedWork.bounds(of: data.rows, unit: 256)
    let rowStride = x.rowStride
    let columnStride = x.columnStride
    let parts = StripedWork.map(stripes: stripes.count, threads: data.threads) { stripe in
      var sums = [Double](repeating: 0, count: p)
      var squares = [Double](repeating: 0, count: p)
      var largest = [Double](repeating: 0, count: p)
      let values = x.values
      if columnStride == 1 {
        for place in stripes[stripe] {
          let i = sample.row(place)
          let weight = weights?[i] ?? 1
          let row = UnsafeBufferPointer(rebasing: values[(i * rowStride)..<(i * rowStride + p)])
          for j in 0..<p {
            let d = row[j] - shift[j]
            sums[j] += weight * d
            squares[j] += weight * d * d
            largest[j] = Swift.max(largest[j], abs(row[j]))
          }
        }
      } else {
        for j in 0..<p {
          let column = UnsafeBufferPointer(
            rebasing: values[(j * columnStride)..<((j + 1) * columnStride)])
          var sum = 0.0
          var square = 0.0
          var most = 0.0
          for place in stripes[stripe] {
            let i = sample.row(place)
            let weight = weights?[i] ?? 1
            let d = column[i] - shift[j]
            sum += weight * d
            square += weight * d * d
            most = Swift.max(most, abs(column[i]))
          }
          sums[j] = sum
          squares[j] = square
          largest[j] = most
        }
      }
      return [sums, squares, largest]
    }
    var means = [Double](repeating: 0, count: p)
    var deviations = means
    for j in 0..<p {
      var sum = 0.0
      var square = 0.0
      var largest = 0.0
      for part in parts {
        sum += part[0][j]
        square += part[1][j]
        largest = Swift.max(largest, part[2][j])
      }
      let mean = sum / weightSum
      guard (shift[j] + mean + square).isFinite else { throw x.firstNonFinite() }
      means[j] = shift[j] + mean
      let deviation = Swift.max(square / weightSum - mean * mean, 0).squareRoot()
      deviations[j] = deviation > 1e-13 * largest ? deviation : 0
    }
    self.means = means
    self.deviations = deviations
  }

  /// The plain mean of up to 64 rows taken by stride; 0 where that is not finite.
  private static func guess(_ x: Matrix) -> [Double] {
    let count = min(64, x.rows)
    return (0..<x.columns).map { j in
      var sum = 0.0
      for k in 0..<count { sum += x[k * x.rows / count, j] }
      return sum.isFinite ? sum / Double(count) : 0
    }
  }
}

extension Matrix {
  /// The error that names the first value that is not finite among the given rows (all if nil), in
  /// row order. O(rows × columns).
  /// Where all are finite, that squares or sums are not, with the column of the largest value.
  func firstNonFinite(in range: Range<Int>? = nil) -> LearningError {
    for i in range ?? 0..<rows {
      for j in 0..<columns where !self[i, j].isFinite {
        return .nonFiniteInput(row: i, column: j)
      }
    }
    return .tooLarge(column: largestColumn)
  }

  private var largestColumn: Int {
    var (largest, column) = (-1.0, 0)
    for i in 0..<rows {
      for j in 0..<columns where abs(self[i, j]) > largest {
        (largest, column) = (abs(self[i, j]), j)
      }
    }
    return column
  }
}

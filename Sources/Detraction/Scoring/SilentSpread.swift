import Learning

/// How the silent of one moment are spread: raw features of a sample by stride, and the mean design row
/// of everybody. Fed chunk by chunk, in the order of the population.
package struct SilentSpread: Sendable {
  /// Bins and medians are taken over at most this many accounts.
  static let most = 50_000

  /// Of each source feature the sampled accounts' values, NaN missing.
  package private(set) var columns: [[Double]]
  private let stride: Int
  private var taken = 0
  /// Of each design column, over everybody taken.
  private var sums: [Double] = []

  /// For a population of so many accounts. Holds at most 50,000 × features numbers.
  init(of accounts: Int, features: Int) {
    stride = max(1, (accounts + Self.most - 1) / Self.most)
    columns = [[Double]](repeating: [], count: features)
  }

  /// The next accounts' raw features, and their design rows. O(rows × columns).
  mutating func take(_ raw: Matrix, _ expanded: Matrix) {
    let own = expanded.columnSums()
    sums = sums.isEmpty ? own : zip(sums, own).map { $0 + $1 }
    for row in 0..<raw.rows where (taken + row) % stride == 0 {
      for (feature, value) in raw.row(row).enumerated() { columns[feature].append(value) }
    }
    taken += raw.rows
  }

  /// The mean design row of everybody taken.
  package var means: [Double] { sums.map { $0 / Double(taken) } }
}

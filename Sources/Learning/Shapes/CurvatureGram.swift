/// A Gram matrix of columns weighted by curvature, in float32, lower triangle, column-major.
/// `@unchecked Sendable`: written only while it is made, disjoint parts by several threads.
final class CurvatureGram: @unchecked Sendable {
  /// Where each column stands; −1: not there.
  private var places: [Int]
  let size: Int
  let values: UnsafeMutablePointer<Float>
  /// Σ w of its rows.
  private let weight: Double

  init(active: [Int], of columns: Int, weight: Double) {
    places = [Int](repeating: -1, count: columns)
    for (place, column) in active.enumerated() { places[column] = place }
    size = active.count
    self.weight = weight
    values = .allocate(capacity: size * size)
    values.initialize(repeating: 0, count: size * size)
  }

  deinit { values.deallocate() }

  /// The factor of the mean Gram matrix of some of its columns (ascending, the intercept last) plus
  /// their penalties. In float32: it guides a solver, which does not take its word. O(n³/3).
  func factor(_ active: [Int], penalties: [Double]) -> FloatCholesky {
    let n = active.count
    let places = active.map { self.places[$0] }
    let scale = Float(1 / weight)
    // What float32 sums may be off by.
    let diagonal = places.reduce(0) { $0 + Double(values[$1 * size + $1] * scale) }
    var jitter = 1e-6 * Float(diagonal) / Float(n)
    while true {
      let matrix = ScratchBlock<Float>(count: n * n)
      for j in 0..<n {
        let column = values + places[j] * size
        let to = matrix.values + j * n
        for i in j..<n { to[i] = column[places[i]] * scale }
        to[j] += jitter + (j < n - 1 ? Float(penalties[active[j]]) : 0)
      }
      if let factor = FloatCholesky(matrix, size: n) { return factor }
      jitter = max(jitter * 10, 1e-12)
    }
  }
}

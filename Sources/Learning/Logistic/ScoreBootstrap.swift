import Foundation

/// Poisson(1) counts of a cluster in every replicate of a bootstrap, from SplitMix64 (Steele, Lea &
/// Flood 2014) used as a function of its counter: a count depends on seed, cluster and replicate
/// alone, so that stripes and threads draw the same ones.
struct PoissonCounts: Sendable {
  private let seed: UInt64
  /// 2³² P(count ≤ k); beyond k = 11 less than 2⁻³² is left.
  private let limits: [UInt32]
  /// The count by the first 10 bits, 255 where they do not decide it.
  private let quick: [UInt8]

  init(seed: UInt64) {
    self.seed = seed
    var term = exp(-1.0)
    var sum = 0.0
    var limits: [UInt32] = []
    for k in 0..<12 {
      sum += term
      limits.append(UInt32((sum * 0x1p32).rounded()))
      term /= Double(k + 1)
    }
    self.limits = limits
    quick = (0..<1024).map { top in
      let first = Self.count(UInt32(top) << 22, limits)
      return first == Self.count(UInt32(top) << 22 | 0x3F_FFFF, limits) ? UInt8(first) : 255
    }
  }

  private static func count(_ draw: UInt32, _ limits: [UInt32]) -> Int {
    var k = 0
    while k < limits.count, draw >= limits[k] { k += 1 }
    return k
  }

  /// Writes the counts of one cluster in `replicates` replicates, less `less`. O(replicates).
  func write(
    cluster: Int, replicates: Int, less: Double, to counts: UnsafeMutablePointer<Double>
  ) {
    let pairs = (replicates + 1) / 2
    var state = seed &+ UInt64(cluster * pairs) &* 0x9E37_79B9_7F4A_7C15
    quick.withUnsafeBufferPointer { quick in
      for pair in 0..<pairs {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        for half in 0..<min(2, replicates - 2 * pair) {
          let draw = UInt32(truncatingIfNeeded: half == 0 ? z : z >> 32)
          let known = quick[Int(draw >> 22)]
          let count = known < 255 ? Int(known) : Self.count(draw, limits)
          counts[2 * pair + half] = Double(count) - less
        }
      }
    }
  }
}

/// What the parameters would have been in resampled data.
package struct Bootstrap: Sendable {
  /// On the raw columns: a row a replicate, the coefficients, then the intercept.
  package let replicates: Matrix
  /// Of the fit itself, in the same order.
  package let estimates: [Double]

  /// The replicates' standard deviation (divisor B − 1).
  package var standardErrors: [Double] {
    estimates.indices.map { j in
      let values = replicates.column(j)
      let mean = values.reduce(0, +) / Double(values.count)
      let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (square / Double(values.count - 1)).squareRoot()
    }
  }

  /// The replicates' 2.5 % and 97.5 % quantiles (linear between order statistics).
  package var intervals: [(low: Double, high: Double)] {
    estimates.indices.map { j in
      let values = replicates.column(j).sorted()
      func quantile(_ part: Double) -> Double {
        let place = part * Double(values.count - 1)
        let below = Int(place)
        let above = min(below + 1, values.count - 1)
        return values[below] + (place - Double(below)) * (values[above] - values[below])
      }
      return (quantile(0.025), quantile(0.975))
    }
  }

  /// The part of the replicates in which each parameter has the fit's sign (0 where that is 0).
  package var signStability: [Double] {
    estimates.enumerated().map { j, estimate in
      guard estimate != 0 else { return 0 }
      let same = (0..<replicates.rows).count { replicates[$0, j] * estimate > 0 }
      return Double(same) / Double(replicates.rows)
    }
  }

  /// The part of the replicates in which each parameter is not 0: how often a column is selected.
  package var selectionFrequency: [Double] {
    estimates.indices.map { j in
      Double((0..<replicates.rows).count { replicates[$0, j] != 0 }) / Double(replicates.rows)
    }
  }
}

extension LogisticFit {
  /// One Newton step from the fit for every resample, all by one matrix product (METHODS 2.7):
  ///
  ///     b* = b + (H + L)⁻¹ Σ_g (m_g − 1) s_g
  ///
  /// s_g the scores summed over group g (a row by itself if `groups` is nil), m_g Poisson(1). Its
  /// covariance is the sandwich's. Where the penalty selects, the step goes to the minimum of the
  /// same quadratic model of the loss under the penalty, corners and sides included (one step of
  /// proximal Newton): then `selectionFrequency` says how firmly columns are chosen, and standard
  /// errors mean little.
  ///
  /// The n × B counts are drawn and used a tile at a time. O(groups × replicates × columns); where
  /// the penalty selects also replicates × sweeps × columns².
  package func scoreBootstrap(
    _ data: LogisticData, groups: [Int]? = nil, replicates: Int = 1000, seed: UInt64
  ) throws(LearningError) -> Bootstrap {
    guard replicates >= 2, replicates <= 1 << 20 else {
      throw .badParameter(
        name: "replicates", value: Double(replicates), needed: "2 to 1048576")
    }
    let bread = try Bread(self, data)
    var clusters: Clusters?
    if let groups { clusters = try Clusters(groups, rows: data.x.rows) }
    let scores = try bread.scores(clusters)
    let width = bread.size
    let tile = scores.rows.tile
    let counts = PoissonCounts(seed: seed)
    // B × (p + 1), a tile of clusters after the other.
    let sums = scores.rows.total(
      of: scores.count, size: replicates * width, spare: tile * replicates, threads: data.threads,
      fill: scores.write
    ) { z, range, sums in
      let drawn = z + tile * width
      for (i, cluster) in range.enumerated() {
        counts.write(
          cluster: cluster, replicates: replicates, less: 1, to: drawn + i * replicates)
      }
      BLAS.addProduct(
        transposed: drawn, rows: replicates, z, columns: width, count: range.count, into: sums)
    }
    let thetas = penalty.selects ? bread.minima(of: sums) : bread.steps(along: sums)
    let result = Matrix(rows: replicates, columns: width) { span in
      for b in 0..<replicates {
        var last = thetas[b * width + width - 1]
        for j in 0..<(width - 1) {
          let coefficient = thetas[b * width + j] / bread.scale[j]
          last -= coefficient * bread.center[j]
          span[b * width + j] = coefficient
        }
        span[b * width + width - 1] = last
      }
    }
    return Bootstrap(replicates: result, estimates: coefficients + [intercept])
  }
}

extension Bread {
  /// θ + (H + L)⁻¹ u for every row u of `sums`.
  fileprivate func steps(along sums: [Double]) -> [Double] {
    let count = sums.count / size
    var thetas = [Double](repeating: 0, count: sums.count)
    BLAS.multiply(
      sums, rows: count, transposed: inverse, count: size, columns: size, into: &thetas)
    for k in thetas.indices { thetas[k] += theta[k % size] }
    return thetas
  }

  /// For every row u of `sums` the minimum of the quadratic model with gradient g − u / W under the
  /// penalty, to subgradients of 1e-9.
  fileprivate func minima(of sums: [Double]) -> [Double] {
    let model = QuadraticModel(lower: hessian.map { $0 / data.weightSum }, size: size)
    let minima = StripedWork.map(stripes: sums.count / size, threads: data.threads) { b in
      var minimum = theta
      var slope = (0..<size).map { gradient[$0] - sums[b * size + $0] / data.weightSum }
      _ = model.minimise(&minimum, gradient: &slope, penalty: terms, tolerance: 1e-9)
      return minimum
    }
    return Array(minima.joined())
  }
}

/// Forecasts held against what happened: every metric with a 95 % interval, and the paired
/// differences between two forecasts of the same rows.
///
/// Intervals are percentiles over replicates that draw whole clusters (customers) with replacement,
/// each Poisson often (METHODS 4.1); both forecasts are measured on the same draws. A cut stays the
/// same share of the rows in every replicate. The same input gives the same bits on any number of
/// threads and in any order of rows.
package struct Evaluation: Sendable {
  /// A value with its 95 % interval; nil where the data do not tell.
  package struct Estimate: Sendable, Equatable, Codable {
    package var value: Double?
    package var low: Double?
    package var high: Double?

    package init(value: Double? = nil, low: Double? = nil, high: Double? = nil) {
      self.value = value
      self.low = low
      self.high = high
    }
  }

  /// Rows with weight.
  package let rows: Int
  /// Sums of weights.
  package let total: Double
  package let positives: Double
  /// What is drawn: clusters, or rows.
  package let units: Int
  let ranked: [RankedRows]
  /// By forecast: a value a metric, and its replicates.
  private let values: [[Metric: Double]]
  private let replicates: [[Metric: [Double]]]
  /// DeLong's, where rows are independent and count alike.
  private let areas: [RocArea]

  /// `cuts`: where precision, recall and lift are wanted. `replicates` is rounded up to eights; 0 gives
  /// no intervals.
  ///
  /// Throws as `Outcomes`, `sizeMismatch`, `probabilityOutOfRange`, `badParameter` for a cut.
  /// O(rows log rows + replicates × rows); memory about 50 bytes a row and forecast, and 8 a unit and
  /// thread.
  package init(
    _ forecasts: [Forecast], _ outcomes: Outcomes, cuts: [Cut] = [], replicates: Int = 1000,
    seed: UInt64 = 1, threads: Int
  ) throws(LearningError) {
    for forecast in forecasts { try forecast.check(rows: outcomes.labels.count) }
    let (order, unit) = Self.canonical(forecasts, outcomes)
    let ranked = forecasts.enumerated().map { index, forecast in
      let scores = forecast.scores
      let falling =
        index == 0
        ? order
        : order.enumerated().sorted {
          (scores[$1.element], $0.offset) < (scores[$0.element], $1.offset)
        }.map(\.element)
      return RankedRows(forecast, outcomes, order: falling, unit: unit)
    }
    rows = order.count
    total = ranked.first?.total ?? 0
    positives = ranked.first?.positives ?? 0
    units = Set(order.map { unit[$0] }).count
    let placed = try Cuts(cuts, total: total)
    self.ranked = ranked
    let metrics = Metric.all(cuts)
    values = ranked.map { rows in
      let tally = Tally(rows, drawn: nil, cuts: placed.shares)
      return Dictionary(
        metrics.map { ($0, tally.value($0, rows.line, placed)[0]) }, uniquingKeysWith: { a, _ in a }
      )
    }
    let drawnUnits = Int(unit.max() ?? -1) + 1
    let stripes = StripedWork.map(stripes: (replicates + 7) / 8, threads: threads) { stripe in
      let drawn = Draws(seed: seed, stripe: stripe).multiplicities(units: drawnUnits)
      return ranked.map { rows in
        let tally = Tally(rows, drawn: drawn, cuts: placed.shares)
        return metrics.map { tally.value($0, rows.line, placed) }
      }
    }
    self.replicates = forecasts.indices.map { index in
      Dictionary(
        metrics.enumerated().map { place, metric in
          (metric, stripes.flatMap { stripe in (0..<8).map { stripe[index][place][$0] } })
        }, uniquingKeysWith: { a, _ in a })
    }
    var areas: [RocArea] = []
    if outcomes.weights == nil, outcomes.clusters == nil {
      for forecast in forecasts {
        areas.append(try RocArea(scores: forecast.scores, labels: outcomes.labels))
      }
    }
    self.areas = areas
  }

  /// Rows with weight by falling scores, ties by what else tells rows apart, so that rows still tied
  /// are interchangeable; and what each is drawn with.
  private static func canonical(
    _ forecasts: [Forecast], _ outcomes: Outcomes
  ) -> (order: [Int], unit: [Int32]) {
    let scores = forecasts.map(\.scores)
    let order = outcomes.labels.indices.filter { (outcomes.weights?[$0] ?? 1) > 0 }.sorted {
      a, b in
      for scores in scores where scores[a] != scores[b] { return scores[a] > scores[b] }
      if outcomes.labels[a] != outcomes.labels[b] { return outcomes.labels[a] > outcomes.labels[b] }
      if let weights = outcomes.weights, weights[a] != weights[b] { return weights[a] > weights[b] }
      if let clusters = outcomes.clusters, clusters[a] != clusters[b] {
        return clusters[a] < clusters[b]
      }
      return a < b
    }
    var unit = [Int32](repeating: 0, count: outcomes.labels.count)
    if let clusters = outcomes.clusters {
      for row in unit.indices { unit[row] = Int32(clusters[row]) }
    } else {
      for (rank, row) in order.enumerated() { unit[row] = Int32(rank) }
    }
    return (order, unit)
  }

  /// One metric of one forecast.
  package func estimate(_ metric: Metric, of forecast: Int = 0) -> Estimate {
    if metric == .rocArea, !areas.isEmpty {
      let area = areas[forecast]
      return Estimate(value: area.area, low: area.interval.low, high: area.interval.high)
    }
    var estimate = Self.estimate(
      values[forecast][metric] ?? .nan, replicates[forecast][metric] ?? [],
      centred: metric.isRaisedByNoise)
    estimate.low = estimate.low.map { max($0, metric.least) }
    return estimate
  }

  /// A metric of the first forecast minus that of the second.
  package func difference(_ metric: Metric) -> Estimate {
    if metric == .rocArea, let delong = areaDifference {
      let half = 1.959963984540054 * delong.standardError
      return Estimate(
        value: delong.difference, low: delong.difference - half, high: delong.difference + half)
    }
    let (a, b) = (replicates[0][metric] ?? [], replicates[1][metric] ?? [])
    return Self.estimate(
      (values[0][metric] ?? .nan) - (values[1][metric] ?? .nan), zip(a, b).map { $0 - $1 },
      centred: metric.isRaisedByNoise)
  }

  /// DeLong's test of two areas, where rows are independent and count alike.
  package var areaDifference: RocArea.Difference? {
    areas.count == 2 ? try? areas[0].minus(areas[1]) : nil
  }

  /// The value with the 2.5 and 97.5 % points of its replicates (linear between two, as numpy),
  /// moved so that their mean is the value where `centred`.
  private static func estimate(_ value: Double, _ replicates: [Double], centred: Bool) -> Estimate {
    guard value.isFinite else { return Estimate() }
    let sorted = replicates.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return Estimate(value: value) }
    let shift = centred ? value - sorted.reduce(0, +) / Double(sorted.count) : 0
    return Estimate(
      value: value, low: quantile(sorted, 0.025) + shift, high: quantile(sorted, 0.975) + shift)
  }

  /// Linear between order statistics. `sorted` is not empty.
  package static func quantile(_ sorted: [Double], _ level: Double) -> Double {
    let place = level * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
  }
}

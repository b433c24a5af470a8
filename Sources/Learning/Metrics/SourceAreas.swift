/// How well each source alone ranks the labels: the area under its ROC curve, turned so that it is
/// at least ½. One near 1 is more likely to come from after the event than to foretell it.
///
/// - A numeric source ranks by its value, missing ones put below or above all, whichever is better;
///   one of few values (at most 32) also as a categorical one.
/// - A categorical source ranks by the share of 1 among the rows of the same level in the other half
///   of the rows, so that a level of few rows shows nothing.
///
/// Looks at no more than 2,000 rows of each label, taken by stride: the area does not depend on how
/// common a label is, and with so many its standard error is below 0.01. Throws `sizeMismatch`, `oneClass`.
/// O(sources) of 4,000 log 4,000, and a pass over the labels.
package func sourceAreas(
  _ x: Matrix, sources: [DesignSource], labels: [Double], threads: Int
) throws(LearningError) -> [Double] {
  guard sources.count == x.columns else {
    throw .sizeMismatch(what: "sources", expected: x.columns, got: sources.count)
  }
  guard labels.count == x.rows else {
    throw .sizeMismatch(what: "labels", expected: x.rows, got: labels.count)
  }
  let rows = try AreaSample.rows(labels)
  let sample = AreaSample(rows: rows, labels: rows.map { labels[$0] >= 0.5 ? 1 : 0 })
  return StripedWork.map(stripes: sources.count, threads: threads) { source in
    let values = sample.rows.map { x[$0, source] }
    switch sources[source] {
    case .numeric: return max(sample.ranked(values), sample.byLevel(values, most: 32) ?? 0.5)
    case .categorical: return sample.byLevel(values, most: .max) ?? 0.5
    }
  }
}

private struct AreaSample: Sendable {
  let rows: [Int]
  /// 0 or 1.
  let labels: [Double]

  /// Rows in order: all of a label up to 2,000, else every so-manieth.
  static func rows(_ labels: [Double]) throws(LearningError) -> [Int] {
    let most = 2_000
    var taken: [Int] = []
    for label in [false, true] {
      let all = labels.indices.filter { (labels[$0] >= 0.5) == label }
      guard !all.isEmpty else { throw .oneClass(label: label ? 0 : 1, rows: labels.count) }
      let count = min(most, all.count)
      taken += (0..<count).map { all[$0 * all.count / count] }
    }
    return taken.sorted()
  }

  /// The area, or what it is the other way round.
  private func area(_ scores: [Double]) -> Double {
    guard let roc = try? RocArea(scores: scores, labels: labels) else { return 0.5 }
    return max(roc.area, 1 - roc.area)
  }

  func ranked(_ values: [Double]) -> Double {
    let most = Double.greatestFiniteMagnitude
    func placing(_ missing: Double) -> Double {
      area(values.map { $0.isNaN ? missing : min(max($0, -most), most) })
    }
    let below = placing(-most)
    return values.contains { $0.isNaN } ? max(below, placing(most)) : below
  }

  /// Nil where there are more values than `most`.
  func byLevel(_ values: [Double], most: Int) -> Double? {
    // NaN is a level as well, under a bit pattern of its own.
    var counts: [UInt64: [(rows: Double, ones: Double)]] = [:]
    let keys = values.map { $0.isNaN ? Double.nan.bitPattern : $0.bitPattern }
    for (row, key) in keys.enumerated() {
      counts[key, default: [(0, 0), (0, 0)]][row % 2].rows += 1
      counts[key]?[row % 2].ones += labels[row]
      if counts.count > most { return nil }
    }
    let scores = keys.enumerated().map { row, key in
      let other = counts[key]?[1 - row % 2] ?? (rows: 0, ones: 0)
      return (other.ones + 2) / (other.rows + 4)
    }
    return area(scores)
  }
}

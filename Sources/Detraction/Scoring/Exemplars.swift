import Histories
import Learning

extension Scorer {
  /// The three known detractors nearest to each of the given places, by Euclidean distance of
  /// their contributions: ‖u_i − u_j‖² from one matrix product. Accounts that are no longer in the
  /// base, or may no longer be profiled, are nobody's exemplar. O(places × known × columns).
  package func exemplars(at places: [Int], count: Int = 3) throws(DetractionError)
    -> [[Exemplar]]
  {
    guard !places.isEmpty, let known = try KnownDetractors(self) else {
      return places.map { _ in [] }
    }
    var found: [[Exemplar]] = []
    for start in stride(from: 0, to: places.count, by: 256) {
      let part = places[start..<min(start + 256, places.count)].map { ranking[$0] }
      let z = try model.expand(try raw(part), threads: threads)
      let distances = try translating {
        try z.scalingColumns(by: model.coefficients)
          .squaredDistances(to: known.embedded, threads: threads)
      }
      for (row, ranked) in part.enumerated() {
        let ours = groups.sums(contributions.of(row: z.row(row)))
        found.append(
          known.nearest(distances.row(row), to: ranked.account, count: count).map { near in
            let distance = near.distance.squareRoot()
            return Exemplar(
              account: base.account(Int(known.rows[near.row].account)), distance: distance,
              percentile: known.percentile(of: distance),
              shared: shared(ours, groups.sums(contributions.of(row: known.z.row(near.row)))))
          })
      }
    }
    return found
  }

  /// Names of the groups that push both the same way, towards detractor, by the lesser push; at most
  /// three, each worth saying for the first.
  private func shared(_ ours: [Double], _ theirs: [Double]) -> [String] {
    let least = ReasonGroups.worthSaying * (ours.map(abs).max() ?? 0)
    return ours.indices.filter { min(ours[$0], theirs[$0]) > 0 && ours[$0] >= least }
      .sorted { (-min(ours[$0], theirs[$0]), $0) < (-min(ours[$1], theirs[$1]), $1) }
      .prefix(3).map { groups.groups[$0].name }
  }
}

/// The known detractors of a version that are still there and may be profiled, in contribution space.
private struct KnownDetractors {
  let rows: [VectorRow]
  /// Their expanded rows, and the same times the coefficients.
  let z: Matrix
  let embedded: Matrix
  /// Distance of known detractors to the nearest other one, rising; by stride where there are many.
  private let gaps: [Double]
  private static let mostGaps = 2000

  /// Nil where there is none.
  init?(_ scorer: Scorer) throws(DetractionError) {
    let base = scorer.base
    let known = scorer.version.knownDetractors.compactMap { detractor -> VectorRow? in
      guard let account = base.index(of: detractor.account),
        base.record(account)?.doNotProfile != true
      else { return nil }
      return VectorRow(account: Int32(account), asOf: detractor.asOf)
    }
    guard !known.isEmpty else { return nil }
    let model = scorer.version.model
    rows = known
    z = try model.expand(
      try base.matrix(model.schema, known, threads: scorer.threads), threads: scorer.threads)
    let embedded = z.scalingColumns(by: model.coefficients)
    self.embedded = embedded
    var gaps: [Double] = []
    let stride = max(1, (known.count + Self.mostGaps - 1) / Self.mostGaps)
    let sample = Array(Swift.stride(from: 0, to: known.count, by: stride))
    for start in Swift.stride(from: 0, to: sample.count, by: 256) {
      let part = Array(sample[start..<min(start + 256, sample.count)])
      let distances = try translating {
        try Matrix(
          rows: part.count, columns: embedded.columns, elements: part.flatMap(embedded.row)
        ).squaredDistances(to: embedded, threads: scorer.threads)
      }
      for (place, row) in part.enumerated() {
        let near = Self.nearest(
          rows: known, distances.row(place), to: known[row].account, count: 1)
        gaps += near.map { $0.distance.squareRoot() }
      }
    }
    self.gaps = gaps.sorted()
  }

  /// Share of known detractors whose next one is at most so far, in percent; nil without any.
  func percentile(of distance: Double) -> Double? {
    guard !gaps.isEmpty else { return nil }
    return 100 * Double(gaps.count { $0 <= distance }) / Double(gaps.count)
  }

  func nearest(_ distances: [Double], to account: Int32, count: Int)
    -> [(row: Int, distance: Double)]
  {
    Self.nearest(rows: rows, distances, to: account, count: count)
  }

  /// The rows of the `count` least squared distances; an account seen at several snapshots counts
  /// once, at the nearest of them, and nobody is near themselves. Equal distances keep training's
  /// order. O(known).
  private static func nearest(
    rows: [VectorRow], _ distances: [Double], to account: Int32, count: Int
  ) -> [(row: Int, distance: Double)] {
    var best: [(row: Int, distance: Double)] = []
    for (row, distance) in distances.enumerated() where rows[row].account != account {
      if best.count == count, distance >= best[count - 1].distance { continue }
      if let same = best.firstIndex(where: { rows[$0.row].account == rows[row].account }) {
        if distance >= best[same].distance { continue }
        best.remove(at: same)
      }
      let place = best.firstIndex { distance < $0.distance } ?? best.count
      best.insert((row, distance), at: place)
      if best.count > count { best.removeLast() }
    }
    return best
  }
}

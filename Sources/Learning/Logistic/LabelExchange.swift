/// Who may change labels with whom.
struct LabelExchange: Sendable {
  /// By class, by group in it: its rows.
  private let classes: [[[Int]]]
  /// Share of rows in groups that are alone in their class.
  let inPlace: Double

  private static let least = 5

  /// O(rows log rows).
  init(groups: [Int], strata: [Int]) {
    let order = groups.indices.sorted {
      (groups[$0], strata[$0], $0) < (groups[$1], strata[$1], $1)
    }
    var customers: [[Int]] = []
    for (rank, row) in order.enumerated() {
      if rank > 0, groups[row] == groups[order[rank - 1]] {
        customers[customers.count - 1].append(row)
      } else {
        customers.append([row])
      }
    }
    /// Classes of equal keys in the order of their keys.
    func split(_ customers: [[Int]], _ key: ([Int]) -> [Int]) -> [[[Int]]] {
      var byKey: [[Int]: [[Int]]] = [:]
      for rows in customers { byKey[key(rows), default: []].append(rows) }
      return byKey.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }
    let exact = split(customers) { rows in rows.map { strata[$0] } }
    let rest = exact.filter { $0.count < Self.least }.flatMap(\.self)
    classes = exact.filter { $0.count >= Self.least } + split(rest) { [$0.count] }
    let alone = classes.filter { $0.count == 1 }.reduce(0) { $0 + $1[0].count }
    inPlace = Double(alone) / Double(max(groups.count, 1))
  }

  /// Labels dealt anew by lot `index` (Fisher and Yates). O(rows).
  func permuted(_ labels: [Double], seed: UInt64, index: Int) -> [Double] {
    var random = Lot(seed: seed, index: index)
    var result = labels
    for customers in classes {
      var donors = Array(customers.indices)
      for k in donors.indices.dropFirst().reversed() {
        donors.swapAt(k, random.below(k + 1))
      }
      for (to, from) in zip(customers, donors) {
        for (row, donor) in zip(to, customers[from]) { result[row] = labels[donor] }
      }
    }
    return result
  }
}

/// SplitMix64, started by seed and number of the lot. Source: Steele, Lea & Flood 2014,
/// doi:10.1145/2714064.2660195.
private struct Lot {
  private var state: UInt64
  private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  init(seed: UInt64, index: Int) {
    state = seed
    state = next() ^ UInt64(index)
    state = next()
  }

  private mutating func next() -> UInt64 {
    state &+= Self.golden
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// From 0, below `bound`; uneven by less than bound / 2⁶⁴.
  mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }
}

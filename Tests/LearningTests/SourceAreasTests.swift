import Learning
import TestSupport
import Testing

/// Columns that tell the target by themselves are found, and those that only seem to are not.
@Suite struct SourceAreasTests {
  /// 9,000 rows with 5 % of label 1.
  private static let labels = (0..<9_000).map { Double($0 % 20 == 7 ? 1 : 0) }

  private func areas(
    _ sources: [DesignSource], threads: Int = 2,
    _ value: (Int, Double, inout SplitMix64) -> [Double]
  ) throws -> [Double] {
    var random = SplitMix64(2)
    let labels = Self.labels
    let elements = labels.indices.flatMap { value($0, labels[$0], &random) }
    let x = try Matrix(rows: labels.count, columns: sources.count, elements: elements)
    return try sourceAreas(x, sources: sources, labels: labels, threads: threads)
  }

  @Test func leaks() throws {
    let found = try areas([
      .numeric, .numeric, .numeric, .categorical(levels: 4), .numeric,
    ]) { row, label, random in
      [
        label + 0.3 * random.uniform(),  // the label with noise
        -label,  // turned about
        label == 1 ? 5 : .nan,  // there only after the event
        label == 1 ? 2 : Double(row % 2),  // a state reached by it
        label == 1 ? 4 : Double([3, 5][random.below(2)]),  // neither high nor low
      ]
    }
    #expect(found.allSatisfy { $0 > 0.99 }, "\(found)")
  }

  @Test func noLeaks() throws {
    let found = try areas([
      .numeric, .categorical(levels: 9_000), .numeric, .categorical(levels: 3),
    ]) { row, label, random in
      [
        random.uniform(),  // noise
        Double(row),  // a level of its own in every row
        label + 2 * random.uniform(),  // an honest, strong column: area 7/8
        random.below(9) == 0 ? .nan : Double(random.below(3)),
      ]
    }
    #expect(found[0] < 0.56 && found[1] < 0.56 && found[3] < 0.56, "\(found)")
    #expect(abs(found[2] - 0.875) < 0.03, "\(found)")
  }

  /// Up to 2,000 rows of a label the area is that of all rows; threads change nothing.
  @Test func areaOfSmallData() throws {
    var random = SplitMix64(4)
    let labels = (0..<900).map { _ in Double(random.below(2)) }
    let scores = labels.map { $0 + 3 * random.uniform() }
    let x = try Matrix(rows: 900, columns: 1, elements: scores)
    let found = try sourceAreas(x, sources: [.numeric], labels: labels, threads: 1)
    #expect(found[0] == (try RocArea(scores: scores, labels: labels)).area)
    #expect(try sourceAreas(x, sources: [.numeric], labels: labels, threads: 3) == found)
  }
}

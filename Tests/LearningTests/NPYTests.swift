import Foundation
import Learning
import TestSupport
import Testing

@Suite struct NPYTests {
  private func header(
    _ descr: String, fortran: Bool = false, shape: String, version: UInt8 = 1
  ) -> [UInt8] {
    var text =
      "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), "
      + "'shape': \(shape), }"
    text += String(repeating: " ", count: 100 - text.utf8.count) + "\n"
    let length: [UInt8] = version == 1 ? [101, 0] : [101, 0, 0, 0]
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(text.utf8)
  }

  private func bytes<T>(_ values: [T]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
  }

  private func file(_ content: [UInt8]) throws -> String {
    let path = try temporaryFolder().appendingPathComponent("a.npy").path
    try Data(content).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test(arguments: [UInt8(1), 2, 3]) func versionsAndTypes(_ version: UInt8) throws {
    let f4 = try NPYFile.matrix(
      at: file(header("<f4", shape: "(2, 2)", version: version) + bytes([1, 2, 3, 4] as [Float])))
    #expect(f4.row(1) == [3, 4])
    // 101 + 10 bytes of header leave float64 values unaligned.
    let f8 = try NPYFile.matrix(
      at: file(
        header("<f8", fortran: true, shape: "(2, 2)", version: version)
          + bytes([1, 2, 3, 4] as [Double])))
    #expect(f8.row(1) == [2, 4])
    let i8 = try NPYFile.vector(
      at: file(header("<i8", shape: "(2,)", version: version) + bytes([0, 1] as [Int64])))
    #expect(i8 == [0, 1])
    let b1 = try NPYFile.vector(
      at: file(header("|b1", shape: "(3,)", version: version) + [1, 0, 1]))
    #expect(b1 == [1, 0, 1])
  }

  @Test func refusesWithThePath() throws {
    let good = header("<f8", shape: "(2, 2)")
    let values = bytes([1, 2, 3, 4] as [Double])
    var cases: [[UInt8]] = [
      [], [0x93], Array("PK\u{3}\u{4}0123456789".utf8), good, good + values.dropLast(),
      good + values + [0], header(">f8", shape: "(2, 2)") + values,
      header("|O", shape: "(2, 2)") + values, header("<f8", shape: "(4,)") + values,
      header("<f8", shape: "(2, -2)") + values, header("<f8", shape: "(2)") + values,
      header("<f8", shape: "(4611686018427387904, 2)") + values,
      header("<f8", shape: "(99999999999999999999, 2)") + values,
    ]
    var version = good
    version[6] = 9
    cases.append(version + values)
    var long = good
    long[9] = 0xFF
    cases.append(long + values)
    var twice = good
    twice.replaceSubrange(10..<18, with: Array("{'shape'".utf8))
    cases.append(twice + values)
    for content in cases {
      let path = try file(content)
      do {
        _ = try NPYFile.matrix(at: path)
        Issue.record("accepted \(content.prefix(120))")
      } catch LearningError.npy(let named, _) {
        #expect(named == path)
      }
    }
    #expect(throws: LearningError.self) { try NPYFile.matrix(at: "/nowhere/x.npy") }
    #expect(throws: LearningError.self) {
      try NPYFile.vector(at: file(header("|b1", shape: "(1,)") + [7]))
    }
  }
}

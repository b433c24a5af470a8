import Detraction
import Testing

/// The parts of SQL texts. That whole ones mean what the model means is shown by ExportTests.
@Suite struct SQLTests {
  @Test func quotesAreDoubled() {
    #expect(SQLText.identifier("a \"b\" c") == "\"a \"\"b\"\" c\"")
    #expect(SQLText.literal("O'Brien") == "'O''Brien'")
    // A mark with a joiner behind it is one Character, and a quote all the same.
    #expect(SQLText.literal("'\u{200D}") == "'''\u{200D}'")
  }

  /// With an exponent a literal is a double; without one DuckDB reads a decimal.
  @Test func numbersAreDoubles() {
    #expect(SQLText.literal(0.1) == "0.1e0")
    #expect(SQLText.literal(-2.0) == "(-2.0e0)")
    #expect(SQLText.literal(-0.0) == "(-0.0e0)")
    #expect(SQLText.literal(1e300) == "1e+300")
    #expect(SQLText.literal(1e-300) == "1e-300")
  }

  @Test func sumsAreBalanced() {
    #expect(SQLText.sum([String]()) == "0.0e0")
    #expect(SQLText.sum(["a"]) == "a")
    let sum = SQLText.sum((0..<4_096).map { "x\($0)" })
    var (depth, deepest) = (0, 0)
    for byte in sum.utf8 {
      depth += byte == 0x28 ? 1 : byte == 0x29 ? -1 : 0
      deepest = max(deepest, depth)
    }
    #expect(deepest == 12)
    #expect(sum.utf8.count { $0 == UInt8(ascii: "+") } == 4_095)
  }
}

import Detraction
import Foundation
import TestSupport
import Testing

/// The parts of SQL texts. That whole ones mean what the model means is shown by ExportTests.
@Suite struct SQLTests {
  @Test func quotesAreDoubled() {
    #expect(SQLDialect.duckdb.identifier("a \"b\" c") == "\"a \"\"b\"\" c\"")
    #expect(SQLDialect.duckdb.literal("O'Brien") == "'O''Brien'")
    // A mark with a joiner behind it is one Character, and a quote all the same.
    #expect(SQLDialect.duckdb.literal("'\u{200D}") == "'''\u{200D}'")
  }

  /// `spark-sql` reads a script by the locale of whoever runs it: a text is the same under any.
  @Test func sparkReadsATextWhateverTheLocale() throws {
    let folder = try temporaryFolder()
    guard try Spark.linked(into: folder) else { return }
    let texts =
      FeatureSQLTests.hostile + [
        "Zürich 東京", "e\u{301} is not \u{E9}", "\u{FEFF}\u{2028}\u{FFFF}", "\u{10FFFF}\u{1}\t\r",
        "\\u00e4",
      ]
    let hexes = texts.map { "hex(\(SQLDialect.spark.literal($0)))" }
    let file = folder.appendingPathComponent("texts.sql")
    try Data("SELECT \(hexes.joined(separator: ", "));\n".utf8).write(to: file)
    let process = Process()
    process.executableURL = folder.appendingPathComponent(".venv/bin/spark-sql")
    process.arguments = [
      "--master", "local[1]", "--conf", "spark.sql.catalogImplementation=in-memory", "--conf",
      "spark.ui.enabled=false", "-S", "-f", file.path,
    ]
    process.environment = ProcessInfo.processInfo.environment
      .merging(["LC_ALL": "C", "LANG": "C"]) { $1 }.filter { $0.key != "SPARK_HOME" }
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let line = try #require(
      String(decoding: said, as: UTF8.self).split(separator: "\n")
        .first { $0.contains("\t") })
    let wanted = texts.map { text in
      text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
    }
    #expect(line.split(separator: "\t").map(String.init) == wanted)
  }

  /// With an exponent a literal is a double; without one DuckDB reads a decimal.
  @Test func numbersAreDoubles() {
    #expect(SQLText.literal(0.1) == "0.1e0")
    #expect(SQLText.literal(-2.0) == "(-2.0e0)")
    #expect(SQLText.literal(-0.0) == "(-0.0e0)")
    #expect(SQLText.literal(1e300) == "1e+300")
    #expect(SQLText.literal(1e-300) == "1e-300")
  }

  /// Neither deep nor in deep brackets, and nothing is lost.
  @Test func sumsAreInRuns() throws {
    #expect(SQLText.sum([]) == "0.0e0")
    #expect(SQLText.sum(["a"]) == "a")
    #expect(SQLText.sum(["a", "b"]) == "((a + b))")
    for count in [3, 10, 4_099] {
      let sum = SQLText.sum((0..<count).map { "x\($0)" })
      var (depth, deepest) = (0, 0)
      for byte in sum.utf8 {
        depth += byte == 0x28 ? 1 : byte == 0x29 ? -1 : 0
        deepest = max(deepest, depth)
      }
      #expect(deepest == 2 && depth == 0)
      let runs = sum.split(separator: "\n")
      #expect(runs.count <= 70 && runs.allSatisfy { $0.split(separator: "+").count <= 70 })
      let terms = sum.split { "()+ \n".contains($0) }
      #expect(terms.map(String.init) == (0..<count).map { "x\($0)" })
    }
  }

  /// Every number of a script is read back to the bit, as a double: as a literal, in a list, and from the
  /// text that the engine writes of it.
  @Test(arguments: SQLDialect.allCases) func numbersAreReadToTheBit(_ dialect: SQLDialect) throws {
    var random = SplitMix64(3)
    var numbers = [
      0, -0.0, 1, -1, 0.1, -0.1, 1e300, -1e300, 1e-300, .leastNonzeroMagnitude,
      -.leastNonzeroMagnitude, 2.2250738585072014e-308,
      .leastNormalMagnitude.nextDown, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
      9_007_199_254_740_992, 1e16, 123456789.123456789, 1e22, 1e23, .pi, 1e-5, 0.001, 2e-3,
    ]
    while numbers.count < 600 {
      let number = Double(bitPattern: random.next())
      if number.isFinite { numbers.append(number) }
    }
    let rows = numbers.map(SQLText.literal).enumerated()
      .map { "(\($0), \($1), typeof(\($1)))" }.joined(separator: ",\n")
    let unnest = dialect == .duckdb ? "unnest" : "explode"
    let text = dialect == .duckdb ? "VARCHAR" : "STRING"
    let scripts = [
      "SELECT x, CAST(x AS \(text)) AS written, type FROM (VALUES \(rows)) AS v(place, x, type) "
        + "ORDER BY place;",
      "SELECT x, CAST(x AS \(text)) AS written, typeof(x) AS type "
        + "FROM (SELECT \(unnest)(\(dialect.numbers(numbers))) AS x) AS t;",
    ]
    for script in scripts {
      let found: [(x: Double?, written: String, type: String)]
      switch dialect {
      case .duckdb:
        let folder = try temporaryFolder()
        guard let duckdb = try DuckDB.linked(into: folder) else { return }
        let path = folder.appendingPathComponent("q.sql")
        try Data(script.utf8).write(to: path)
        found = try duckdb.run(".read \(path.path)").split(separator: "\n").dropFirst().map {
          let cells = $0.split(separator: ",").map(String.init)
          return (Double(cells[0]), cells[1], cells[2])
        }
      case .spark:
        guard let answer = try Spark.run(script) else { return }
        found = answer.rows.map { ($0[0].number, $0[1].text ?? "", $0[2].text ?? "") }
      }
      #expect(found.map(\.x?.bitPattern) == numbers.map(\.bitPattern))
      #expect(found.map { Double($0.written)?.bitPattern } == numbers.map(\.bitPattern))
      #expect(found.allSatisfy { $0.type.lowercased() == "double" })
    }
  }
}

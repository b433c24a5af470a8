import Foundation
import Histories
import TestSupport
import Testing

/// What a table that nobody has looked at is found to hold.
@Suite struct TableScanTests {
  /// A table of `rows` rows, a column a name.
  private func scan(
    _ columns: KeyValuePairs<String, (Int) -> String>, rows: Int = 1_000, target: String? = nil,
    numbers: [String] = [], threads: Int = 2
  ) throws -> TableScan {
    var text = columns.map(\.key).joined(separator: ",") + "\n"
    for row in 0..<rows {
      text += columns.map { $0.value(row) }.joined(separator: ",") + "\n"
    }
    let path = try temporaryFolder().appendingPathComponent("t.csv").path
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try TableScan(.file(path), target: target, numbers: numbers, threads: threads)
  }

  @Test func kindsOfColumns() throws {
    let found = try scan([
      "amount": { "\(Double($0 % 37) * 1.25)" },
      "flag": { "\($0 % 2)" },
      "says": { $0 % 3 == 0 ? "Yes" : "no" },
      "colour": { ["red", "green", "blue"][$0 % 3] },
      "same": { _ in "7" },
      "sameText": { _ in "EUR" },
      "none": { $0 % 2 == 0 ? "" : "  " },
      "number": { "\(($0 * 617) % 1_000 + 10_000)" },
      "customerID": { "\(($0 * 7_919 + 13) % 1_000_003)" },
      "paid": { "\(($0 * 7_919 + 13) % 1_000_003)" },
      "when": { "2026-01-01T00:00:\($0)" },
      "often": { "\($0 % 50)" },
      "oneOrNone": { $0 % 5 == 0 ? "1" : "" },
      "gaps": { ["3.5", "NA", " ", "", "?"][$0 % 5] },
      "NAs": { ["a", "NA"][$0 % 2] },
      "cents": { "\($0 * 1_000)" },
    ])
    let kinds = Dictionary(uniqueKeysWithValues: found.columns.map { ($0.name, $0.kind) })
    #expect(
      kinds == [
        "amount": .numeric, "flag": .boolean, "says": .boolean, "colour": .categorical,
        "same": .constant, "sameText": .constant, "none": .empty, "number": .identifying,
        "customerID": .identifying, "paid": .numeric, "when": .identifying, "often": .numeric,
        "oneOrNone": .numeric, "gaps": .numeric, "NAs": .categorical, "cents": .numeric,
      ])
    let column = { name in try #require(found.columns.first { $0.name == name }) }
    #expect(try column("colour").levels == ["blue", "green", "red"])
    #expect(try column("colour").levelRows == [333, 333, 334])
    #expect(try column("gaps").missing == 800)
    #expect(try column("gaps").blank == 200)
    #expect(try column("gaps").marked == 400)
    #expect(try column("NAs").missing == 0)
    #expect(try column("none").missing == 1_000)
    #expect(found.rows == 1_000)
  }

  @Test func aTargetKeepsItsValuesAsWritten() throws {
    let found = try scan(["y": { ["0", "1.0", "1"][$0 % 3] }, "x": { "\($0 % 7)" }], target: "y")
    #expect(found.target?.levels == ["0", "1", "1.0"])
    #expect(found.columns.map(\.name) == ["x"])
    #expect(throws: HistoriesError.self) {
      try scan(["y": { $0 == 999 ? " " : "1" }, "x": { "\($0 % 7)" }], target: "y")
    }
    #expect(throws: HistoriesError.self) {
      try scan(["w": { $0 == 999 ? "NA" : "1" }, "x": { "\($0 % 7)" }], numbers: ["w"])
    }
  }

  /// The estimate of distinct values: exact when few, near when many, the same on any threads.
  @Test func distinctValues() throws {
    let columns: KeyValuePairs<String, (Int) -> String> = [
      "few": { "\($0 % 500)" }, "many": { "\(Double($0 % 40_000) / 7)" },
      "texts": { "t\($0 % 30_000)" },
    ]
    let one = try scan(columns, rows: 200_000, threads: 1)
    #expect(one.columns[0].distinct == 500)
    #expect((34_000...46_000).contains(one.columns[1].distinct))
    #expect(one.columns[2].kind == .tooManyLevels)
    #expect((25_000...35_000).contains(one.columns[2].distinct))
    #expect(try scan(columns, rows: 200_000, threads: 3).columns == one.columns)
  }

  /// Both passes over generated tables against plain code, whatever the number of threads.
  @Test(arguments: 1...8) func readsWhatWasWritten(_ seed: UInt64) throws {
    var random = SplitMix64(seed)
    let rows = 20_000 + random.below(30_000)
    let texts = ["", "a", "b,c", "d\"e", "f\ng", "ü", " h "]
    var expected: [[Double]] = []
    var ids: [String] = []
    var text = "n,t,id\n"
    for _ in 0..<rows {
      let isMissing = random.below(5) == 0
      let number = Double(random.below(2_000_000) - 1_000_000) / [1, 8, 1e6][random.below(3)]
      let level = random.below(texts.count)
      let id = "k\(random.below(1 << 30))" + (random.below(9) == 0 ? ",\"" : "")
      text += "\(isMissing ? "" : "\(number)"),\(csv(texts[level])),\(csv(id))\n"
      expected.append([isMissing ? .nan : number, level == 0 ? .nan : Double(level - 1)])
      ids.append(id)
    }
    let path = try temporaryFolder().appendingPathComponent("t.csv").path
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let found = try TableScan(.file(path), leaveOut: ["id"], threads: 3)
    #expect(found.rows == rows)
    let levels = found.columns[1].levels
    #expect(Set(levels) == Set(texts.dropFirst()))
    let reader = try TableReader(
      .file(path),
      cells: [WantedCell("n", .number), WantedCell("t", .level(Array(texts.dropFirst())))],
      text: "id", threads: Int(seed) % 3 + 1)
    var row = 0
    while true {
      let parts = try reader.next()
      if parts.isEmpty { break }
      for part in parts {
        for place in 0..<part.rows {
          for cell in 0..<2 {
            let got = part.values[2 * place + cell]
            #expect(got == expected[row][cell] || (got.isNaN && expected[row][cell].isNaN))
          }
          #expect(part.text(place).elementsEqual(ids[row].utf8))
          row += 1
        }
      }
    }
    #expect(row == rows)
  }

  private func csv(_ text: String) -> String {
    text.utf8.contains { [0x2c, 0x22, 0x0a].contains($0) }
      ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }
}

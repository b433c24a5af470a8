import Detraction
import Foundation
import Histories
import Outreach
import Testing
import TestSupport

private let noon = date("2026-03-02T12:00")

/// Texts that spreadsheets, shells, databases or browsers run or trip over.
let hostileCells =
  hostileTexts + [
    "=1+1", "+49 30 1234", "-5", "@SUM(A1)", "\tcmd", "\r=1", "\n=1", "'=1", "''-5", "'quoted'",
    "'",
    "=cmd|' /C calc'!A0", "\u{FF1D}1", ",;|\"", " lead", "trail ", "{\"a\":1}", "\\", "\\N",
    "x\u{85}y", "0042", "1e5", "null", "true", "2026-03-02",
  ]

/// A store with an open case for each text, which is its account, name, segment and note; nil where
/// there is no such database.
func hostileStore(_ kind: StoreKind, test: String = #function) throws -> CaseStore? {
  guard let store = try kind.fresh(test: test)?.store() else { return nil }
  let base = Base(hostileCells.count) {
    hostileCells[$0]
  } record: {
    AccountRecord(
      account: hostileCells[$0], value: -1240.5, segment: hostileCells[$0], name: hostileCells[$0])
  }
  try base.publish(store, settings([Queue(name: "calls", capacity: 999, channel: "phone")]))
  for text in hostileCells {
    _ = try store.act(
      .account(text), Action(at: noon, kind: .noted, actor: "ann", note: text))
  }
  return store
}

/// A store with cases of `a0`… in a queue of people and one of batches.
func batchStore(_ place: StorePlace) throws -> CaseStore {
  let store = try CaseStore(place)
  let base = Base(6) {
    "a\($0)"
  } record: {
    AccountRecord(account: "a\($0)", segment: $0 < 2 ? "key" : "other", name: "N\($0)")
  }
  let queues = [
    Queue(
      name: "calls", rule: QueueRule([.segment(["key"])]), capacity: 10, channel: "phone"),
    Queue(name: "nurture", capacity: 10, channel: "mail", mode: .batch),
  ]
  try base.publish(store, settings(queues))
  return store
}

@Suite struct ExportTests {
  private struct Read: Decodable {
    struct Row: Decodable {
      var account_id: String
      var name: String
      var segment: String
      var note: String
      var value: Double
      var opened_at: String
    }
    var raw: [[String]]
    var csv: [Row]
    var jsonl: [Row]
    var parquet: [Row]
    var types: [String]
  }

  @Test(arguments: StoreKind.allCases)
  func hostileTextsComeOutOfEveryFormatAsTheyWentIn(_ kind: StoreKind) throws {
    let folder = try temporaryFolder()
    guard let _ = try DuckDB.linked(into: folder) else { return }
    guard let store = try hostileStore(kind) else { return }
    let table = try store.exported(ExportMap())
    var paths: [String: String] = [:]
    for format in ExportFormat.allCases {
      let path = folder.appendingPathComponent("cases.\(format.rawValue)").path
      try table.write(format, to: path)
      paths[format.rawValue] = path
    }
    paths["duckdb"] = Shared.root.appendingPathComponent(".venv/bin/duckdb").path
    let script = """
      import csv, json, subprocess, sys
      p = json.load(open(sys.argv[1]))
      csv.field_size_limit(1 << 30)
      rows = list(csv.reader(open(p["csv"], newline="", encoding="utf-8"), strict=True))
      def undo(t):
          rest = t.lstrip("'")
          return t[1:] if t[:1] == "'" and rest[:1] in set("=+-@\\t\\r\\n\\uff1d\\uff0b\\uff0d\\uff20") else t
      names = ["account_id", "name", "segment", "note", "value", "opened_at"]
      places = [rows[0].index(n) for n in names]
      def row(cells):
          d = {n: undo(cells[i]) for n, i in zip(names, places)}
          d["value"] = float(cells[places[4]])
          return d
      def pick(o): return {n: o[n] for n in names}
      lines = open(p["jsonl"], encoding="utf-8", newline="\\n").read().split("\\n")
      assert lines.pop() == ""
      def duck(sql):
          out = subprocess.run([p["duckdb"], "-no-init", "-batch", "-json", "-c", sql], capture_output=True, check=True)
          return json.loads(out.stdout, strict=False)
      select = ", ".join(names[:5]) + ", strftime(opened_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS opened_at"
      src = "'" + p["parquet"] + "'"
      types = [r["column_type"] for r in duck(f"SELECT column_type FROM (DESCRIBE SELECT \\"case\\", account_id, value, opened_at FROM {src})")]
      json.dump({"raw": rows[1:], "csv": [row(r) for r in rows[1:]], "jsonl": [pick(json.loads(l)) for l in lines],
        "parquet": duck(f"SELECT {select} FROM {src}"), "types": types}, sys.stdout)
      """
    guard let data = try Python.run(script, on: paths) else { return }
    let read = try JSONDecoder().decode(Read.self, from: data)
    for rows in [read.csv, read.jsonl, read.parquet] {
      #expect(rows.count == hostileCells.count)
      for (row, text) in zip(rows, hostileCells) {
        for cell in [row.account_id, row.name, row.segment, row.note] {
          #expect(Array(cell.utf8) == Array(text.utf8), "\(text.prefix(40).debugDescription)")
        }
        #expect(row.value == -1240.5 && row.opened_at == "2026-03-01T23:00:00Z")
      }
    }
    #expect(read.types == ["BIGINT", "VARCHAR", "DOUBLE", "TIMESTAMP WITH TIME ZONE"])
    // Inert: no cell starts with what a spreadsheet runs, but numbers.
    for cell in read.raw.joined() where Double(cell) == nil {
      let first = cell.unicodeScalars.first
      #expect(first.map { !"=+-@\t\r\n\u{FF1D}".unicodeScalars.contains($0) } ?? true)
    }
    #expect(read.raw.joined().contains("-1240.5"))
    let json = try String(contentsOfFile: paths["jsonl"]!, encoding: .utf8)
    #expect(!json.contains("<script>") && !json.contains("\u{1B}") && !json.contains("\u{2028}"))
  }

  @Test func anApostropheGoesOnAndComesOff() {
    for text in hostileCells + [""] {
      let escaped = FormulaText.escaped(text)
      #expect(Array(FormulaText.unescaped(escaped).utf8) == Array(text.utf8))
      #expect(FormulaText.escaped(escaped) == (escaped == text ? text : "'" + escaped))
    }
    for first in ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"] {
      #expect(FormulaText.escaped(first + "x").utf8.first == 0x27, "\(first.debugDescription)")
    }
    #expect(FormulaText.escaped("=1") == "'=1" && FormulaText.escaped("'=1") == "''=1")
    #expect(FormulaText.escaped("'quoted'") == "'quoted'" && FormulaText.escaped("a=1") == "a=1")
  }

  @Test(arguments: StoreKind.allCases)
  func aMapNamesTheColumns(_ kind: StoreKind) throws {
    let file = try project(
      """
      [export.crm]
      columns = { "Subject" = "account_id", "Status" = { constant = "New" }, "Due" = "due" }
      """)
    let map = try #require(ExportMap("crm", project: file))
    try file.check()
    guard let place = try kind.fresh()?.place else { return }
    let store = try batchStore(place)
    let table = try store.exported(map, queue: "calls")
    #expect(table.columns.map(\.name) == ["Due", "Status", "Subject"])
    #expect(table.rows.map { $0[2] } == [.text("a0"), .text("a1")])
    #expect(table.rows[0][1] == .text("New"))
    let path = try temporaryFolder().appendingPathComponent("out.csv").path
    try table.write(.csv, to: path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.utf8.starts(with: "Due,Status,Subject\r\n2026-03-0".utf8))
    #expect(text.contains("Z,New,a0\r\n"))

    let wrong = try project("[export.crm]\ncolumns = { \"A\" = \"acount_id\" }\nextra = 1")
    _ = ExportMap("crm", project: wrong)
    _ = ExportMap("cmr", project: wrong)
    let error = #expect(throws: HistoriesError.self) { try wrong.check() }
    let said = error?.description ?? ""
    for part in ["did you mean `account_id`?", "unknown key `extra`", "did you mean `crm`?"] {
      #expect(said.contains(part), "\(said)")
    }
  }

  @Test(arguments: StoreKind.allCases)
  func aSegmentIsHandedOverOnceAndWithoutThoseWhoOptedOut(_ kind: StoreKind) throws {
    let folder = try temporaryFolder()
    guard let place = try kind.fresh()?.place else { return }
    let store = try batchStore(place)
    let out = folder.appendingPathComponent("segment.csv").path
    try store.hold(
      Hold(account: "a3", kind: .optOut, since: monday, until: nil), by: "ann")
    try store.hold(Hold(account: "a4", kind: .legal, since: monday, until: nil), by: "ann")
    func handOver(_ at: Instant) throws -> CaseStore.HandOver {
      try store.handOver(
        queues: ["nurture"], map: ExportMap(), by: Action.run, at: at,
        refused: { $0 == "a5" }, write: { try $0.write(.csv, to: out) })
    }
    let first = try handOver(noon)
    #expect(first.handedOver == 1 && first.optedOut == 2 && first.onHold == 1 && first.held == 0)
    let bytes = try #require(FileManager.default.contents(atPath: out))
    #expect(String(decoding: bytes, as: UTF8.self).contains(",a2,"))
    let done = try #require(try store.cases(account: "a2").first)
    #expect(done.state.outcome == .handedOver && done.state.closedAt == noon)
    #expect(try store.openCases().map(\.account) == ["a0", "a1", "a3", "a4", "a5"])
    // Again: nothing is handed over, and the file of the first time stands.
    let second = try handOver(date("2026-03-02T13:00"))
    #expect(second.handedOver == 0 && FileManager.default.contents(atPath: out) == bytes)
    #expect(try store.actions(of: done.number).count == 3)
    #expect(try store.damagedCases().isEmpty)
  }

  /// Killed after the file stands and before the cases are closed.
  @Test(arguments: StoreKind.allCases)
  func aKillBetweenFileAndClosingIsRepeatedWithoutDoubling(_ kind: StoreKind) async throws {
    let folder = try temporaryFolder().path
    guard let place = try kind.fresh()?.place else { return }
    let store = try batchStore(place)
    let words =
      switch place {
      case .file(let path): [folder, path]
      case .postgres(let url): [folder, "", url]
      }
    await #expect(processExitsWith: .signal(SIGKILL)) { [words = words as [String]] in
      let folder = words[0]
      let store = try CaseStore(existing: words.count == 2 ? .file(words[1]) : .postgres(words[2]))
      _ = try store.handOver(
        queues: ["nurture"], map: ExportMap(), by: Action.run, at: date("2026-03-02T12:00")
      ) {
        try $0.write(.csv, to: folder + "/segment.csv")
        kill(getpid(), SIGKILL)
      }
    }
    let bytes = try #require(FileManager.default.contents(atPath: folder + "/segment.csv"))
    #expect(try store.openCases().count == 6)
    let report = try store.handOver(
      queues: ["nurture"], map: ExportMap(), by: Action.run, at: noon
    ) { try $0.write(.csv, to: folder + "/segment.csv") }
    #expect(report.handedOver == 4)
    #expect(FileManager.default.contents(atPath: folder + "/segment.csv") == bytes)
    #expect(try store.openCases().map(\.account) == ["a0", "a1"])
    #expect(try store.actions().count { $0.kind == .closed } == 4)
  }

  @Test(arguments: StoreKind.allCases)
  func aFileThatCannotBeWrittenLeavesTheCasesOpen(_ kind: StoreKind) throws {
    guard let place = try kind.fresh()?.place else { return }
    let store = try batchStore(place)
    #expect(throws: HistoriesError.self) {
      try store.handOver(
        queues: ["nurture"], map: ExportMap(), by: Action.run, at: noon
      ) { try $0.write(.csv, to: "/no/such/folder/segment.csv") }
    }
    #expect(try store.openCases().count == 6)
  }
}

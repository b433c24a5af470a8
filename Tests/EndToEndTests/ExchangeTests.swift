import Foundation
import TestSupport
import Testing

/// The shipped sample with ids, names, addresses and numbers from the world outside, a model trained on
/// it, and the project file without the places where things go.
enum HostileSample {
  static let asOf = "2026-03-02"
  /// Trained once for all tests; nil, said aloud, without Python.
  private static let trained = Result { try make() }

  /// A copy to work in, with `more` at the end of its project file.
  static func copy(_ more: String = "") throws -> URL? {
    guard let made = try trained.get() else { return nil }
    let folder = try temporaryFolder().appendingPathComponent("sample")
    try FileManager.default.copyItem(at: made, to: folder)
    try append(more, to: folder)
    return folder
  }

  static func append(_ text: String, to folder: URL) throws {
    let file = folder.appendingPathComponent("tacit.toml")
    let old = try String(contentsOf: file, encoding: .utf8)
    try Data((old + "\n" + text).utf8).write(to: file)
  }

  /// `tacit` in a folder, which must end with a status.
  @discardableResult
  static func run(
    _ words: [String], in folder: URL, status: Int32 = 0, _ environment: [String: String] = [:],
    at line: SourceLocation = #_sourceLocation
  ) throws -> Program.Result {
    let result = try Program.run(words, in: folder, environment: environment)
    #expect(result.status == status, "\(words): \(result.errors)", sourceLocation: line)
    return result
  }

  static func object<Value>(_ text: String, _ type: Value.Type = Value.self) throws -> Value {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? Value)
  }

  /// The blocks of project file in a page of docs that hold a text.
  static func example(_ page: String, with text: String) throws -> String {
    let page = try String(
      contentsOf: Shared.root.appendingPathComponent("docs/\(page)"), encoding: .utf8)
    let blocks = page.components(separatedBy: "```toml\n").dropFirst()
      .map { $0.components(separatedBy: "```")[0] }.filter { $0.contains(text) }
    #expect(!blocks.isEmpty, "docs have no example of \(text)")
    return blocks.joined(separator: "\n")
  }

  private static func make() throws -> URL? {
    let folder = try sampleCopy()
    let made = try Python.run(
      #"""
      import csv, json, sys
      folder = json.load(open(sys.argv[1]))
      texts = ["'; DROP TABLE cases; --", '"quoted", so', '=HYPERLINK("http://x")', "+49-30", "-5",
        "@SUM(A1)", "two\nlines", "\x1b[2J\x1b]0;owned\x07", "\u202etxt.exe", "שלום", "e\u0301",
        "\U0001F469\u200d\U0001F469", '"\u200d', "<script>alert(1)</script>", "=cmd|' /C calc'!A0",
        "'=1", "\uff1d1", "\u2028", "%s%n", "back\\slash", "0042"]
      odd = lambda i: texts[int(i) % len(texts)] + " " + i
      def rewrite(name, change):
          path = f"{folder}/{name}.csv"
          rows = list(csv.reader(open(path, newline="", encoding="utf-8")))
          out = csv.writer(open(path, "w", newline="", encoding="utf-8"))
          out.writerow(change(rows[0], None))
          for row in rows[1:]: out.writerow(change(row, row[0]))
      rewrite("events", lambda row, i: row if i is None else [odd(i)] + row[1:])
      def account(row, i):
          if i is None: return row + ["mail", "tel"]
          name = "=" + "long " * 2048 if int(i) % 5 == 0 else "\t\r\n;|" + odd(i) + "\x01\x7f\x85 "
          return [odd(i), name] + row[2:] + ["+" + odd(i) + "@example.com", "+49 30 " + i]
      rewrite("accounts", account)
      toml = open(folder + "/tacit.toml").read()
      toml = toml.replace('name = "name"', 'name = "name"\nemail = "mail"\nphone = "tel"')
      open(folder + "/tacit.toml", "w").write(toml.replace("count = 12", "count = 4"))
      print("null")
      """#, on: folder.path)
    guard made != nil else { return nil }
    try run(["train", "--as-of", asOf, "--quiet"], in: folder)
    return folder
  }
}

/// What goes out of the queue and comes into it, by the program a team runs and the ones it meets.
@Suite struct ExchangeTests {
  private static let asOf = HostileSample.asOf

  private struct Out: Decodable {
    /// By file: rows, ids, names, notes that are not as they went in; cells that a spreadsheet runs.
    var rows: [String: Int]
    var wrong: [String: [String]]
    var live: Int
    var maps: [String: [String]]
    var problems: [String]
  }

  @Test func whatGoesOutIsWhatWentInAndInert() throws {
    let maps = try HostileSample.example("EXPORT.md", with: "[export.")
    guard let folder = try HostileSample.copy(maps),
      try DuckDB.linked(into: folder) != nil
    else { return }
    func run(_ words: String...) throws { try HostileSample.run(words, in: folder) }
    try run("nightly", "--as-of", Self.asOf)
    let list = try HostileSample.run(["queue", "list", "--json"], in: folder)
    try Data(list.output.utf8).write(to: folder.appendingPathComponent("list.json"))
    // A hostile note for each case, by a file as a stranger would write it.
    let noted = try Python.run(
      #"""
      import csv, json, sys
      folder = json.load(open(sys.argv[1]))
      cases = json.load(open(folder + "/list.json"))
      hostile = ["=1+1", "'; DROP TABLE cases; --", "<b>x</b>", "x" * 10240, "\u202eabc", "a\u200db",
                 'say "no"', "two\r\nlines", "\x02\x1b[31m", "-", "@x", "''=x", "\ttab", "null", "0x1p3"]
      notes = {}
      with open(folder + "/notes.csv", "w", newline="", encoding="utf-8") as f:
          out = csv.writer(f)
          out.writerow(["case", "at", "kind", "note"])
          for i, c in enumerate(cases):
              note = hostile[i % len(hostile)]
              notes[c["account_id"]] = note
              rest = note.lstrip("'")
              guarded = "'" + note if rest[:1] in tuple("=+-@\t\r\n") else note
              out.writerow([c["case"], "2026-03-02T12:00", "noted", guarded])
      json.dump(notes, open(folder + "/notes.json", "w"))
      print("null")
      """#, on: folder.path)
    guard noted != nil else { return }
    try run("queue", "import", "notes.csv", "--now", "2026-03-03")
    for kind in ["csv", "jsonl", "parquet"] { try run("queue", "export", "--out", "all.\(kind)") }
    for map in ["zendesk", "salesforce", "hubspot"] {
      try run("queue", "export", "--map", map, "--out", "\(map).csv")
      try run("queue", "export", "--map", map, "--format", "jsonl", "--out", "\(map).json")
    }
    let said = try Python.run(
      #"""
      import csv, json, subprocess, sys, tomllib
      folder = json.load(open(sys.argv[1]))
      csv.field_size_limit(1 << 30)
      accounts = {r["account_id"]: r for r in csv.DictReader(open(folder + "/accounts.csv", newline="", encoding="utf-8"))}
      cases = {c["account_id"]: c for c in json.load(open(folder + "/list.json"))}
      notes = json.load(open(folder + "/notes.json"))
      guards = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
      undo = lambda t: t[1:] if t[:1] == "'" and t.lstrip("'")[:1] in guards and t.lstrip("'") else t
      live = 0
      def number(t):
          try: float(t); return True
          except ValueError: return False
      def table(name, clean=True):
          global live
          rows = list(csv.DictReader(open(f"{folder}/{name}.csv", newline="", encoding="utf-8"), strict=True))
          for row in rows:
              live += sum(v[:1] in guards and v != "" and not number(v) for v in row.values())
          return [{k: undo(v) for k, v in row.items()} for row in rows]
      def lines(name):
          text = open(folder + "/" + name, encoding="utf-8", newline="\n").read()
          assert not any(c in text for c in "<\x1b\u2028"), "not inert in a page"
          return [json.loads(l) for l in text.split("\n")[:-1]]
      def parquet():
          out = subprocess.run([folder + "/.venv/bin/duckdb", "-no-init", "-batch", "-json", "-c",
              f"SELECT account_id, name, email, phone, note, value, \"case\" FROM '{folder}/all.parquet'"],
              capture_output=True, check=True)
          return json.loads(out.stdout, strict=False)
      def all_csv():
          rows = table("all")
          for row in rows: row["value"], row["case"] = float(row["value"]), int(row["case"])
          return rows
      rows, wrong, problems = {}, {}, []
      for name, got in dict(csv=all_csv(), jsonl=lines("all.jsonl"), parquet=parquet()).items():
          rows[name], wrong[name] = len(got), []
          if {r["account_id"] for r in got} != set(cases): wrong[name].append("ids")
          for r in got:
              a = accounts.get(r["account_id"])
              if a is None: wrong[name].append("id " + ascii(r["account_id"])); continue
              for field, want in [("name", a["name"]), ("email", a["mail"]), ("phone", a["tel"]),
                      ("note", notes[r["account_id"]]), ("value", float(a["annual_value"])),
                      ("case", cases[r["account_id"]]["case"])]:
                  if r[field] != want: wrong[name].append(field + " " + ascii(r[field])[:60])
      project = tomllib.load(open(folder + "/tacit.toml", "rb"))
      maps = {}
      for name, spec in project["export"].items():
          columns = sorted(spec["columns"], key=str.encode)
          maps[name] = columns
          head = next(csv.reader(open(f"{folder}/{name}.csv", newline="", encoding="utf-8")))
          if head != columns: problems.append(f"{name}: {head}")
          texts = table(name)
          if len(texts) != len(cases): problems.append(f"{name}: {len(texts)} rows")
          for one, row in zip(lines(name + ".json"), texts):
              for column, source in spec["columns"].items():
                  want = one[column]
                  if isinstance(source, dict):
                      if want != source["constant"]: problems.append(f"{name} {column} constant")
                  elif source == "account_id" and want not in cases: problems.append(f"{name} {column}")
                  elif source == "external_id" and not want.startswith("tacit-"): problems.append(f"{name} {column}")
                  if row[column] != ("" if want is None else str(want)): problems.append(f"{name} {column}: {ascii(row[column])}")
      print(json.dumps(dict(rows=rows, wrong=wrong, live=live, maps=maps, problems=problems)))
      """#, on: folder.path)
    guard let said else { return }
    let out = try JSONDecoder().decode(Out.self, from: said)
    #expect(out.rows == ["csv": 31, "jsonl": 31, "parquet": 31])
    let wrong = out.wrong.values.flatMap { $0 }
    #expect(wrong.isEmpty, "\(out.wrong)")
    #expect(out.live == 0 && out.problems.isEmpty, "\(out.live) \(out.problems.prefix(5))")
    #expect(Set(out.maps.keys) == ["zendesk", "salesforce", "hubspot"])
    #expect(out.maps["zendesk"]?.contains("external_id") == true)
    #expect(out.maps["salesforce"]?.contains("Tacit_Id__c") == true)
    #expect(out.maps["hubspot"]?.contains("Ticket name") == true)
    #expect(
      try HostileSample.run(["queue", "check"], in: folder).output.contains("whole"))
  }

  @Test func outcomesComeInOnceAndReportsSayThem() throws {
    guard let folder = try HostileSample.copy(), try sampleIsNightly(folder) else { return }
    let cases: [[String: Any]] = try HostileSample.object(
      try HostileSample.run(["queue", "list", "--json"], in: folder).output)
    let predicted = cases.filter { $0["form"] as? String == "predicted" }
    let ids = predicted.compactMap { $0["account_id"] as? String }
    let numbers = predicted.compactMap { $0["case"] as? Int }
    #expect(ids.count == 30)
    func write(_ name: String, _ rows: [[String]]) throws {
      let text = rows.map { row in
        row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + "\n"
      }.joined()
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    let header = [
      "case", "account_id", "at", "kind", "outcome", "verdict", "mode", "form", "queue",
    ]
    let strange = "nobody \"=1\""
    try write(
      "o.csv",
      [
        header,
        [
          "tacit-\(numbers[0])", "", "2026-03-02T10:00", "reached", "", "detractor", "phone", "",
          "",
        ],
        ["\(numbers[1])", "", "2026-03-02T11:00", "", "resolved", "", "", "", ""],
        // Nothing is said of the first any more: it stays as it was.
        ["\(numbers[0])", "", "2026-03-02T12:00", "", "", "", "", "", ""],
        ["999", "", "2026-03-02T12:00", "reached", "", "", "", "", ""],
        ["\(numbers[1])", "", "2026-03-02T13:00", "reached", "", "", "", "", ""],
        ["", strange, "2026-03-02T14:00", "", "", "", "", "voiced", "everyone"],
      ])
    func load(_ mode: String) throws -> [String: Any] {
      try HostileSample.object(
        try HostileSample.run(
          ["queue", "import", "o.csv", "--mode", mode, "--now", "2026-03-03", "--json"], in: folder
        ).output)
    }
    func counts(_ report: [String: Any]) -> [Int?] {
      ["rows", "opened", "added", "unchanged"].map { report[$0] as? Int }
    }
    let before = try HostileSample.run(["queue", "export", "--all", "--out", "b.csv"], in: folder)
    #expect(before.output.contains("31 cases"))
    let created = try load("create")
    #expect(counts(created) == [6, 1, 0, 0])
    #expect((created["skipped"] as? [String: Int]) == ["not_new": 5])
    let updated = try load("update")
    #expect(counts(updated) == [6, 0, 3, 1], "\(updated)")
    let skipped = ["closed": 1, "empty": 1, "no_case": 1]
    #expect((updated["skipped"] as? [String: Int]) == skipped)
    let all = { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
    try HostileSample.run(["queue", "export", "--all", "--out", "c.csv"], in: folder)
    let again = try load("upsert")
    #expect(counts(again) == [6, 0, 0, 4], "\(again)")
    #expect((again["skipped"] as? [String: Int]) == skipped)
    try HostileSample.run(["queue", "export", "--all", "--out", "d.csv"], in: folder)
    #expect(try all("c.csv") == all("d.csv"))
    #expect(try all("c.csv").contains("nobody \"\"=1\"\""))

    let why: [[String: Any]] = try HostileSample.object(
      try HostileSample.run(["queue", "why", "--json", "--", ids[0]], in: folder).output)
    #expect(why.map { $0["decision"] as? String } == ["flagged"])
    let words = try HostileSample.run(["queue", "why", "--", ids[0]], in: folder).output
    #expect(words.contains("cases opened, queue") && !words.contains("\u{1B}"))
    #expect(
      try HostileSample.run(["queue", "why", "no such account"], in: folder).output
        .contains("no night decided anything"))

    let report: [String: Any] = try HostileSample.object(
      try HostileSample.run(
        [
          "queue", "report", "--now", "2026-03-03T12:00", "--impact", "--json", "--quiet",
          "--metrics", "tacit.prom",
        ], in: folder
      ).output)
    let service = try #require(report["service"] as? [String: Any])
    let queues = try #require(service["queues"] as? [[String: Any]])
    #expect(queues.compactMap { $0["open"] as? Int }.reduce(0, +) == 31)
    let outcomes = try #require(service["outcomes"] as? [[String: Any]])
    #expect(outcomes.map { $0["outcome"] as? String } == ["resolved"])
    let metrics = try all("tacit.prom")
    #expect(metrics.contains("tacit_cases_closed_total") && metrics.contains("tacit_open_cases"))
    try holdImpact(try #require(report["impact"] as? [String: Any]), folder)
  }

  /// Hidden detractors and their money by segment, counted anew by pandas from the night's score file.
  private func holdImpact(_ impact: [String: Any], _ folder: URL) throws {
    struct Line: Decodable {
      var segment: String
      var silent: Int
      var span, money: [Double]
    }
    let said = try Python.run(
      #"""
      import csv, glob, json, sys, numpy as np, pandas as pd
      folder = json.load(open(sys.argv[1]))
      read = lambda p: pd.DataFrame(csv.DictReader(open(p, newline="", encoding="utf-8")))
      csv.field_size_limit(1 << 30)
      scores = read(glob.glob(folder + "/runs/2026-03-02/scores-*.csv")[0])
      accounts = read(folder + "/accounts.csv")
      def find(x):
          if isinstance(x, dict):
              for k, v in x.items():
                  if k in ("respondentOffset", "respondent_offset"): yield v
                  yield from find(v)
      offset = next(find(json.load(open(glob.glob(folder + "/models/*/*/model.json")[0]))))
      m = scores.merge(accounts, on="account_id", how="left")
      p = m.probability.astype(float)
      eta = np.log(p / (1 - p)) + offset
      sig = lambda e: 1 / (1 + np.exp(-e))
      m["low"], m["high"] = sig(eta - np.log(2)), sig(eta + np.log(2))
      m["worth"] = m.annual_value.astype(float)
      m["lm"], m["hm"] = m.low * m.worth, m.high * m.worth
      line = lambda n, g: dict(segment=n, silent=len(g), span=[g.low.sum(), g.high.sum()],
                               money=[g.lm.sum(), g.hm.sum()])
      print(json.dumps([line("", m)] + [line(k, g) for k, g in sorted(m.groupby("segment"))]))
      """#, on: folder.path)
    guard let said else { return }
    let theirs = try JSONDecoder().decode([Line].self, from: said)
    let total = try #require(impact["total"] as? [String: Any])
    let segments = try #require(impact["segments"] as? [[String: Any]])
    #expect((impact["isMeasured"] ?? impact["is_measured"]) as? Bool == false)
    #expect(segments.count + 1 == theirs.count && segments.count > 1)
    for (ours, line) in zip([total] + segments, theirs) {
      #expect(ours["segment"] as? String == line.segment && ours["silent"] as? Int == line.silent)
      for (key, values) in [("hidden", line.span), ("money", line.money)] {
        let span = try #require(ours[key] as? [String: Double])
        for (end, value) in zip(["low", "high"], values) {
          #expect(
            abs((span[end] ?? .nan) - value) < 1e-6 * value, "\(key) \(end): \(span) \(values)")
        }
      }
    }
  }

  private func sampleIsNightly(_ folder: URL) throws -> Bool {
    try HostileSample.run(["nightly", "--as-of", Self.asOf], in: folder).status == 0
  }

  /// What the customer answered is a row of the next training, an agent's view is none.
  @Test func anAnswerIsALabelOfTheNextTrainingAndAnOpinionIsNot() throws {
    guard let folder = try HostileSample.copy(), try sampleIsNightly(folder) else { return }
    let cases: [[String: Any]] = try HostileSample.object(
      try HostileSample.run(["queue", "list", "--json"], in: folder).output)
    let numbers = cases.filter { $0["form"] as? String == "predicted" }
      .compactMap { $0["case"] as? Int }
    var rows = "case,at,kind,verdict,mode,view\n"
    for (place, number) in numbers.prefix(20).enumerated() {
      let answer = "answered,\(place % 3 > 0 ? "detractor" : "non-detractor"),phone,"
      rows += "\(number),2026-03-03T10:00,\(place < 9 ? answer : "opinion,,,not_at_risk")\n"
    }
    try Data(rows.utf8).write(to: folder.appendingPathComponent("o.csv"))
    func run(_ words: String...) throws -> String {
      try HostileSample.run(words, in: folder).output
    }
    #expect(try run("queue", "import", "o.csv", "--now", "2026-03-10").contains("20 actions added"))
    func trained() throws -> [Int?] {
      let report: [String: Any] = try HostileSample.object(
        try run("train", "--as-of", "2026-04-15", "--json", "--quiet"))
      return [report["rows"] as? Int, report["detractors"] as? Int]
    }
    let before = try trained()
    let written = try run(
      "queue", "export", "--answers", "--now", "2026-04-01", "--out", "answers.csv")
    #expect(written.contains("9 answers"))
    try HostileSample.append(
      try HostileSample.example("EXPORT.md", with: "outreach_answer"), to: folder)
    let after = try trained()
    let added = zip(after, before).map { ($0 ?? 0) - ($1 ?? 0) }
    #expect(added == [9, 6], "\(before) \(after)")
  }
}

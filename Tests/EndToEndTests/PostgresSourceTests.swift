import Foundation
import TestSupport
import Testing

/// Histories from a PostgreSQL server: the same vectors, byte for byte, as from CSV, or a refusal.
struct PostgresSourceTests {
  private static let asOf = "2026-03-02"

  /// The sample beside a database of its own, and how libpq finds that.
  private struct Place {
    let folder: URL
    let url: String
    var environment: [String: String]

    init?(test: String = #function) throws {
      guard let url = try PostgresServer.database(test: test) else { return nil }
      self.url = url
      folder = try sampleCopy()
      let parts = url.split(separator: "?host=")
      environment = [
        "PGHOST": String(parts[1]), "PGUSER": "tacit",
        "PGDATABASE": String(parts[0].split(separator: "/").last ?? ""),
      ]
    }

    @discardableResult
    func sql(_ text: String) throws -> String { try PostgresServer.sql(text, on: url) }

    /// The sample's project with other lines for one of its paths.
    func project(_ name: String, _ replaced: [String: String]) throws -> String {
      let file = folder.appendingPathComponent("tacit.toml")
      var text = try String(contentsOf: file, encoding: .utf8)
      for (path, source) in replaced {
        #expect(text.contains("path = \"\(path)\"\n"))
        text = text.replacing("path = \"\(path)\"\n", with: source + "\n")
      }
      try write(name, text)
      return name
    }

    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    func features(_ project: String) throws -> Program.Result {
      try Program.run(
        ["features", "--project", project, "--as-of", asOf, "--out", "\(project).csv"], in: folder,
        environment: environment)
    }

    func vectors(_ project: String) throws -> Data {
      let run = try features(project)
      #expect(run.status == 0, "\(run.errors)")
      return try Data(contentsOf: folder.appendingPathComponent("\(project).csv"))
    }

    /// What is said of a project that must be refused, whole.
    func refusal(_ project: String) throws -> (status: Int32, said: String) {
      let run = try features(project)
      let out = folder.appendingPathComponent("\(project).csv").path
      #expect(!FileManager.default.fileExists(atPath: out))
      return (run.status, run.errors + run.output)
    }

    func loadSample() throws {
      try sql(
        "CREATE DOMAIN amount AS numeric; CREATE TABLE events (account_id varchar(64), "
          + "\"at\" timestamptz, kind name, value amount, channel char(20)); "
          + "CREATE TABLE accounts (account_id text, segment text, plan text, region text, "
          + "seats int2, annual_value float8, name text, do_not_contact bool, do_not_profile bool)")
      try sql("\\copy events from '\(folder.path)/events.csv' csv header")
    }
  }

  private static func query(_ sql: String) -> String {
    "query = '''\n\(sql)\n'''\nvia = \"postgres\""
  }

  @Test func aQueryGivesTheSameBytesAsCSV() throws {
    guard let place = try Place() else { return }
    let csv = try place.vectors("tacit.toml")
    #expect(csv.count > 100_000)
    let header = try String(
      contentsOf: place.folder.appendingPathComponent("accounts.csv"), encoding: .utf8
    ).prefix { $0 != "\n" }
    try place.loadSample()
    try place.sql("\\copy accounts(\(header)) from '\(place.folder.path)/accounts.csv' csv header")
    let select =
      "select account_id, \"at\", kind, value, trim(channel) as channel from events -- all of them;"
    let both = try place.project(
      "both.toml",
      [
        "events.csv": Self.query(select), "accounts.csv": Self.query("select * from accounts;"),
      ])
    #expect(try place.vectors(both) == csv)
    // By a service, with nothing in the environment but where the service file is.
    let (host, name) = (place.environment["PGHOST"] ?? "", place.environment["PGDATABASE"] ?? "")
    try place.write(
      "services", "[warehouse]\nhost=\(host)\ndbname=\(name)\nuser=tacit\n")
    var other = place
    other.environment = ["PGSERVICEFILE": place.folder.appendingPathComponent("services").path]
    let service = try other.project(
      "service.toml", ["events.csv": Self.query(select) + "\nservice = \"warehouse\""])
    #expect(try other.vectors(service) == csv)
  }

  /// Numbers as attributes and texts as levels: what CSV has, every bit and byte of it.
  @Test func everyTypeComesBackAsItIs() throws {
    guard let place = try Place() else { return }
    let columns = ["i2", "i4", "i8", "f4", "f8", "n", "t", "v", "c", "u", "b", "d", "j", "jb"]
    try place.sql(
      """
      CREATE TYPE mood AS ENUM ('sad');
      CREATE TABLE people (account_id text, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, \
      n numeric, t text, v varchar, c char(3), u uuid, b bool, d date, j json, jb jsonb, m mood);
      INSERT INTO people VALUES
      ('a', -32768, 2147483647, 9007199254740993, 0.1, 0.1, 12345678901234567890.000100, \
      E'say "hi", you\\nthere', '=1+1', 'xyz', '00112233-4455-6677-8899-aabbccddeeff', true, \
      '2024-02-29', '{"a": [1, 2]}', '{"a": [1, 2]}'),
      ('b', 0, -1, -1, -1e-30, 5e-324, -0.00000001, 'c', '', ' ', NULL, false, \
      '1969-12-31', '1', '1'),
      ('c', NULL, NULL, NULL, NULL, 1.7976931348623157e308, 10000, E'\\r\\n', 'ä\u{200D}"', NULL, \
      NULL, NULL, NULL, NULL, NULL),
      ('d', 1, 1, 1, 16777217, -0.0, 1e20, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
      """)
    // Written by hand, from PostgreSQL's documentation of its types and of CSV.
    try place.write(
      "people.csv",
      "account_id,\(columns.joined(separator: ","))\n"
        + "a,-32768,2147483647,9007199254740993,0.10000000149011612,0.1,12345678901234567890.000100,"
        + "\"say \"\"hi\"\", you\nthere\",=1+1,xyz,00112233-4455-6677-8899-aabbccddeeff,true,"
        + "2024-02-29,\"{\"\"a\"\": [1, 2]}\",\"{\"\"a\"\": [1, 2]}\"\n"
        + "b,0,-1,-1,-1.0000000031710769e-30,5e-324,-0.00000001,c,,   ,,false,1969-12-31,1,1\n"
        + "c,,,,,1.7976931348623157e308,10000,\"\r\n\",\"ä\u{200D}\"\"\",,,,,,\n"
        + "d,1,1,1,16777216,0,100000000000000000000,,,,,,,,\n")
    try place.write(
      "e.csv", "account_id,at\na,2026-01-01\nb,2026-01-01\nc,2026-01-01\nd,2026-01-01\n")
    func project(_ name: String, _ source: String) throws -> String {
      try place.write(
        name,
        "[[events]]\npath = \"e.csv\"\naccount = \"account_id\"\nat = \"at\"\n"
          + "kind = { constant = \"k\" }\n[accounts]\n\(source)\naccount = \"account_id\"\n"
          + "numeric = [\"i2\", \"i4\", \"i8\", \"f4\", \"f8\", \"n\"]\n"
          + "categorical = [\"t\", \"v\", \"c\", \"u\", \"b\", \"d\", \"j\", \"jb\"]\n")
      return name
    }
    let all = "select account_id, \(columns.joined(separator: ", ")) from people order by 1"
    let csv = try place.vectors(project("csv.toml", "path = \"people.csv\""))
    #expect(String(decoding: csv, as: UTF8.self).contains("say \"\"hi\"\""))
    #expect(try place.vectors(project("pg.toml", Self.query(all))) == csv)
    for (column, type) in [("m", "mood"), ("interval '1 day' as m", "interval")] {
      let (status, said) = try place.refusal(
        project("type.toml", Self.query("select account_id, \(column) from people")))
      #expect(status == 65 && said.contains("\"m\"") && said.contains(type), "\(said)")
      #expect(said.contains("\"m\"::text"), "\(said)")
    }
  }

  /// Dates and times of every kind, those that no clock shows among them: unusable, and counted.
  @Test func timesAreInstantsOrUnusable() throws {
    guard let place = try Place() else { return }
    func project(_ name: String, _ source: String) throws -> String {
      try place.write(
        name,
        "time_zone = \"America/New_York\"\n[reading]\nmax_bad_row_share = 1\n[[events]]\n\(source)\n"
          + "account = \"a\"\nat = \"at\"\nkind = { constant = \"k\" }\n")
      return name
    }
    for (type, times, written) in [
      (
        "timestamptz", ["2026-01-05 03:04:05.678901+02", "1969-12-31 23:59:59.999999+00"],
        ["2026-01-05T01:04:05.678901Z", "1969-12-31T23:59:59.999999Z"]
      ),
      (
        "timestamp", ["2026-01-05 03:04:05.000001", "1999-12-31 00:00:00"],
        ["2026-01-05T03:04:05.000001", "1999-12-31T00:00:00"]
      ),
      ("date", ["2026-01-05", "1999-12-31"], ["2026-01-05", "1999-12-31"]),
    ] {
      let rows = times.enumerated().map { "select 'a\($0)' as a, \(type) '\($1)' as at" }
      let lines = written.enumerated().map { "a\($0),\($1)\n" }
      try place.write("t.csv", "a,at\n" + lines.joined())
      let csv = try place.vectors(project("csv.toml", "path = \"t.csv\""))
      let query = rows.joined(separator: " union all ")
      #expect(try place.vectors(project("pg.toml", Self.query(query))) == csv, "\(type)")
      let bad = ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"].map {
        " union all select 'zed', \(type) '\($0)'"
      }
      let mixed = try project(
        "bad.toml", Self.query(query + bad.joined() + " union all select 'zed', null"))
      let run = try place.features(mixed)
      #expect(run.status == 0, "\(run.errors)")
      #expect(try place.vectors(mixed) == csv)
      #expect(run.errors.contains("5"), "\(run.errors)")
      let quarantine = try String(
        contentsOf: place.folder.appendingPathComponent("quarantine.csv"), encoding: .utf8)
      #expect(quarantine.split(separator: "\n").count == 6, "\(quarantine)")
      #expect(quarantine.contains("infinity"))
    }
  }

  @Test func whatTheServerRefusesIsSaidInItsWordsAndWithoutData() throws {
    guard let place = try Place() else { return }
    try place.sql(
      "CREATE TABLE t (a text, at timestamptz); INSERT INTO t VALUES ('anna@example.com', now())")
    func refusal(_ sql: String) throws -> (status: Int32, said: String) {
      try place.refusal(place.project("bad.toml", ["events.csv": Self.query(sql)]))
    }
    let rest = "at, 'k' as kind, 1 as value, '' as channel"
    for (sql, parts) in [
      ("select * frm t", ["syntax error", "42601"]),
      ("select * from nothing", ["nothing", "42P01"]),
      ("select b from t", ["42703"]),
      ("select 1/(length(a) - 16) as account_id, \(rest) from t", ["22012"]),
      ("select a::int as account_id, \(rest) from t", ["22P02"]),
      ("select 1; drop table t", ["42601"]), ("select a from t) to program 'id'; --", ["42601"]),
      (
        "with gone as (delete from t returning *) select a as account_id, \(rest) from gone",
        ["SQLSTATE"]
      ),
      ("delete from t returning a as account_id, \(rest)", ["SQLSTATE"]), ("vacuum", ["no rows"]),
    ] {
      let (status, said) = try refusal(sql)
      #expect(status == 65, "\(sql): \(said)")
      for part in parts { #expect(said.contains(part), "\(sql): \(said)") }
      // The query's own beginning is shown, never a row's value.
      #expect(!said.contains("anna@"), "\(sql): \(said)")
    }
    #expect(try place.sql("select count(*) from t") == "1")
    let notice = "do $$ begin null; end $$"
    #expect(try refusal(notice).status == 65)
    var away = place
    away.environment["PGHOST"] = place.folder.path
    let none = try away.refusal(away.project("none.toml", ["events.csv": Self.query("select 1")]))
    #expect(none.status == 69 && none.said.contains("does not answer"), "\(none.said)")
    let service = try place.refusal(
      place.project("none.toml", ["events.csv": Self.query("select 1") + "\nservice = \"nowhere\""])
    )
    #expect(service.status == 69 && service.said.contains("nowhere"), "\(service.said)")
  }

  @Test func aConnectionInTheProjectFileIsRefusedAndNotRepeated() throws {
    let folder = try sampleCopy()
    let text = try String(contentsOf: folder.appendingPathComponent("tacit.toml"), encoding: .utf8)
    for (lines, key) in [
      ("via = \"postgres\"\npassword = \"hunter2\"", "password"),
      ("via = \"postgres\"\nurl = \"postgresql://bob:hunter2@db/x\"", "url"),
      ("via = \"postgresql://bob:hunter2@db/x\"", "via"),
      ("via = \"postgres\"\nservice = \"host=db password=hunter2\"", "service"),
      ("via = \"postgres\"\nservice = \"postgresql://bob:hunter2@db/x\"", "service"),
    ] {
      let source = "query = \"select 1\"\n" + lines
      try Data(text.replacing("path = \"events.csv\"", with: source).utf8)
        .write(to: folder.appendingPathComponent("p.toml"))
      let run = try Program.run(
        "features", "--project", "p.toml", "--as-of", Self.asOf, "--out", "o.csv", in: folder)
      #expect(run.status == 78, "\(run.errors)")
      #expect(run.errors.contains("`\(key)`") && run.errors.contains(".pgpass"), "\(run.errors)")
      #expect(!run.errors.contains("hunter2"), "\(run.errors)")
      #expect(!run.errors.contains("unknown key"), "\(run.errors)")
    }
  }

  /// A server that dies in the middle, by its own word and by a cut wire: nothing is taken for all.
  @Test func aServerThatDiesInTheMiddleRefusesEverything() throws {
    guard let place = try Place() else { return }
    try place.loadSample()
    // The rows come slowly after the first thousands.
    let slow = """
      select account_id, "at", kind, value, trim(channel) as channel from (
        select e.*, row_number() over () as i from events e) e,
        lateral (select pg_sleep(case when i > 20000 and i % 100 = 0 then 0.05 else 0 end)) s
      """
    let project = try place.project("slow.toml", ["events.csv": Self.query(slow)])
    let running = try Program.start(
      ["features", "--project", project, "--as-of", Self.asOf, "--out", "slow.csv"],
      in: place.folder, environment: place.environment)
    for _ in 0..<200 {
      let busy = try place.sql(
        "select count(*) from pg_stat_activity where application_name = 'tacit' "
          + "and datname = current_database() and query like 'COPY%' and state = 'active'")
      if busy != "0" { break }
      usleep(50_000)
    }
    usleep(300_000)
    try PostgresServer.disconnect(place.url)
    running.process.waitUntilExit()
    let said = try String(contentsOf: running.errors, encoding: .utf8)
    #expect(running.process.terminationStatus == 69, "\(said)")
    #expect(said.contains("went away") && said.contains("57P01"), "\(said)")
    let left = try FileManager.default.contentsOfDirectory(atPath: place.folder.path)
    #expect(!left.contains { $0.contains("slow.csv") || $0.contains("quarantine") }, "\(left)")

    // A wire that is cut after so many bytes, wherever that falls.
    let plain = try place.project(
      "plain.toml",
      [
        "events.csv": Self.query(
          "select account_id, \"at\", kind, value, trim(channel) as channel from events")
      ])
    let proxy = """
      import json, os, socket, sys, threading
      asked = json.load(open(sys.argv[1]))
      path = asked["folder"] + "/.s.PGSQL.5432"
      server = socket.socket(socket.AF_UNIX)
      server.bind(path)
      server.listen(8)
      open(asked["folder"] + "/ready", "w").close()
      def pump(a, b):
        try:
          while data := a.recv(65536): b.sendall(data)
        except OSError: pass
      for limit in asked["limits"]:
        client, _ = server.accept()
        up = socket.socket(socket.AF_UNIX)
        up.connect(asked["host"] + "/.s.PGSQL.5432")
        threading.Thread(target=pump, args=(client, up), daemon=True).start()
        sent = 0
        while sent < limit and (data := up.recv(min(65536, limit - sent))):
          client.sendall(data); sent += len(data)
        client.shutdown(socket.SHUT_RDWR); client.close(); up.close()
      print("[]")
      """
    struct Wire: Encodable {
      var folder: String
      var host: String
      var limits: [Int]
    }
    let wires = URL(fileURLWithPath: "/tmp/tacit-wire-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: wires, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: wires) }
    let python = Shared.root.appendingPathComponent(".venv/bin/python")
    guard FileManager.default.isExecutableFile(atPath: python.path) else {
      print("SKIPPED: cut wires: .venv not found, run make venv")
      return
    }
    // Each run opens two connections: one for the header, one for the rows.
    let cuts = [1000, 100_000, 3_000_001]
    try Data(proxy.utf8).write(to: wires.appendingPathComponent("proxy.py"))
    try JSONEncoder().encode(
      Wire(
        folder: wires.path, host: place.environment["PGHOST"] ?? "",
        limits: cuts.flatMap { [1 << 30, $0] })
    ).write(to: wires.appendingPathComponent("in.json"))
    let server = Process()
    server.executableURL = python
    server.arguments = [wires.path + "/proxy.py", wires.path + "/in.json"]
    server.standardOutput = FileHandle.nullDevice
    try server.run()
    defer { server.terminate() }
    for _ in 0..<100 where !FileManager.default.fileExists(atPath: wires.path + "/ready") {
      usleep(50_000)
    }
    var cut = place
    cut.environment["PGHOST"] = wires.path
    for _ in cuts {
      let (status, said) = try cut.refusal(plain)
      #expect(status == 69, "\(status): \(said)")
      #expect(said.contains("PostgreSQL"), "\(said)")
    }
    #expect(try place.vectors(plain).count > 100_000)
  }
}

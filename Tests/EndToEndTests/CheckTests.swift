import Foundation
import TestSupport
import Testing

/// `tacit check`: every planted problem is found, with its count, its place and the right status, and
/// nothing personal is said.
struct CheckTests {
  private static let asOf = "2026-03-02"

  /// The sample's events cut into a file a month below `history/`, to be broken.
  private struct Broken {
    let folder: URL
    var header: [String]
    /// Rows by month, in time order.
    var months: [String: [[String]]] = [:]

    init() throws {
      folder = try sampleCopy()
      let lines = try String(
        contentsOf: folder.appendingPathComponent("events.csv"), encoding: .utf8
      ).split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
      header = lines[0]
      let at = column("at")
      for row in lines.dropFirst().sorted(by: { $0[at] < $1[at] }) where row[at] >= "2024-03" {
        months[String(row[at].prefix(7)), default: []].append(row)
      }
      try change("tacit.toml") {
        $0.replacing("path = \"events.csv\"", with: "path = \"history/*\"")
      }
    }

    func column(_ name: String) -> Int { header.firstIndex(of: name) ?? 0 }

    func change(_ name: String, _ body: (String) -> String) throws {
      let file = folder.appendingPathComponent(name)
      try Data(body(try String(contentsOf: file, encoding: .utf8)).utf8).write(to: file)
    }

    func write() throws {
      let history = folder.appendingPathComponent("history")
      try FileManager.default.createDirectory(at: history, withIntermediateDirectories: true)
      for (month, rows) in months {
        let text = ([header] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
        try Data(text.utf8).write(to: history.appendingPathComponent("\(month).csv"))
      }
    }

    func copy(_ from: String, _ to: String) throws {
      let history = folder.appendingPathComponent("history")
      try FileManager.default.copyItem(
        at: history.appendingPathComponent(from), to: history.appendingPathComponent(to))
    }

    /// The report, and all that was printed.
    func check(_ more: String..., asOf: String = CheckTests.asOf) throws -> Report {
      let json = try Program.run(
        ["check", "--as-of", asOf, "--json"] + more, in: folder)
      let text = try Program.run(["check", "--as-of", asOf] + more, in: folder)
      #expect(json.status == text.status, "\(text.errors)")
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any],
        "\(json.output) \(json.errors)")
      return Report(
        status: json.status, object: object, text: json.output + text.output + text.errors)
    }
  }

  private struct Report {
    var status: Int32
    var object: [String: Any]
    var text: String

    func findings(_ code: String) -> [Found] {
      (object["findings"] as? [[String: Any]] ?? []).filter { $0["code"] as? String == code }.map {
        Found(
          severity: $0["severity"] as? String ?? "", text: $0["text"] as? String ?? "",
          count: $0["count"] as? Int ?? -1,
          places: ($0["places"] as? [[String: Any]] ?? []).map {
            let file = ($0["file"] as? String ?? "").split(separator: "/").last ?? ""
            return "\(file):\($0["line"] as? Int ?? -1)"
          })
      }
    }

    var codes: Set<String> {
      Set((object["findings"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String })
    }
  }

  private struct Found: Equatable {
    var severity, text: String
    var count: Int
    var places: [String]
  }

  @Test func theSampleIsAsItShouldBe() throws {
    let folder = try sampleCopy()
    let run = try Program.run("check", "--as-of", Self.asOf, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("0 errors, 0 warnings, 0 notes"), "\(run.output)")
    #expect(run.output.contains("100,184 events of 3,000 accounts"), "\(run.output)")
    #expect(run.output.contains("newest of 2026-03-01, 1 day before"), "\(run.output)")
  }

  @Test func everyPlantedWarningIsFoundAndNothingPersonalIsSaid() throws {
    var broken = try Broken()
    let (at, kind, value) = (broken.column("at"), broken.column("kind"), broken.column("value"))
    let account = broken.column("account_id")
    func set(_ month: String, _ row: Int, _ column: Int, _ text: String) {
      broken.months[month]?[row][column] = text
    }
    // Line n of a file is row n − 2.
    set("2025-06", 5, value, "Anna Meyer <anna.meyer@example.com>")
    set("2025-06", 9, at, "2025-06-31T10:00:00Z")
    broken.months["2025-06"]?[11].append("+49 170 1234567")
    set("2025-06", 13, account, "bob\u{0}@example.org")
    let repeated = Array(try #require(broken.months["2025-07"]).prefix(4))
    broken.months["2025-07"]?.append(contentsOf: repeated)
    let rows = try #require(broken.months["2025-07"]).count
    set("2025-08", 3, kind, "logn")
    set("2025-08", 4, kind, "Order")
    set("2025-09", 6, at, "2031-01-01T00:00:00Z")
    set("2025-09", 7, at, "1970-01-01T00:00:00Z")
    set("2025-09", 8, account, "carla.klein@example.net")
    set("2025-09", 9, account, "carla.klein@example.net")
    let nps = try #require(broken.months["2025-10"]?.firstIndex { $0[kind] == "nps" })
    set("2025-10", nps, value, "")
    try broken.write()
    try broken.copy("2025-03.csv", "2025-03 (1).csv")
    try broken.change("tacit.toml") {
      $0.replacing("kind = \"refund_request\"", with: "kind = \"refund_requst\"")
    }
    try broken.change("accounts.csv") {
      $0 + "quiet-one,Dora Stumm,basic,north,small,3,-100,false,false\n"
    }

    let report = try broken.check()
    #expect(report.status == 0, "\(report.text)")
    func one(_ code: String) throws -> Found {
      let found = report.findings(code)
      #expect(found.count == 1, "\(code): \(report.text)")
      return try #require(found.first)
    }
    let unusable = report.findings("unusable_rows")
    #expect(
      Set(unusable.flatMap(\.places)) == [
        "2025-06.csv:7", "2025-06.csv:11", "2025-06.csv:13", "2025-06.csv:15",
      ])
    #expect(unusable.allSatisfy { $0.severity == "warning" && $0.count == 1 })
    #expect(
      try one("rows_repeat").places == (0..<3).map { "2025-07.csv:\(rows - 4 + $0 + 2)" })
    #expect(try one("rows_repeat").count == 4 && one("rows_repeat").severity == "note")
    #expect(Set(report.findings("kind_misspelt").map(\.count)) == [1])
    #expect(report.findings("kind_misspelt").count == 2)
    #expect(report.findings("kind_misspelt").contains { $0.text.contains("\"logn\"") })
    #expect(try one("future_events").places == ["2025-09.csv:8"])
    #expect(try one("old_events").places == ["2025-09.csv:9"])
    #expect(try one("events_unknown").count == 2)
    #expect(try one("events_unknown").text.contains("of 1 accounts"))
    #expect(try one("feedback_without_value").count == 1)
    #expect(try one("file_twice").places == ["2025-03.csv:1"])
    #expect(try one("kind_unmet").text.contains("refund_requst"))
    #expect(try one("negative_value").count == 1)
    #expect(try one("accounts_without_events").count >= 1)
    #expect(!report.codes.contains("volume_low") && !report.codes.contains("stale"))
    #expect(!report.codes.contains("known_before_at"))
    for personal in [
      "Anna", "Meyer", "anna.meyer", "+49", "1234567", "bob", "carla", "klein", "example.", "Dora",
      "quiet-one", "Stumm",
    ] {
      #expect(!report.text.contains(personal), "\(personal): \(report.text)")
    }
    // One thread says the same.
    let single = try broken.check("--threads", "1")
    #expect("\(single.findings("rows_repeat"))" == "\(report.findings("rows_repeat"))")
    #expect(single.codes == report.codes)
    // A run goes on where check says so.
    let run = try Program.run(
      "features", "--as-of", Self.asOf, "--out", "v.csv", in: broken.folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("2025-03.csv was passed over"), "\(run.errors)")
  }

  @Test func everyErrorIsSaidAtOnceAndARunRefusesTheSame() throws {
    var broken = try Broken()
    let value = broken.column("value")
    try broken.write()
    // From one month on a mapped column has another name, another month has another type in it.
    broken.header[value] = "amount"
    let renamed = broken.months.filter { $0.key >= "2026-01" }
    let all = broken.months
    broken.months = renamed
    try broken.write()
    broken.months = all
    let history = broken.folder.appendingPathComponent("history")
    let march = try Data(contentsOf: history.appendingPathComponent("2025-03.csv"))
    try march.write(to: history.appendingPathComponent("2025-12z.csv"))
    // One without a header: its first row is nobody's business.
    try Data("eva@example.com,2025-01-01T00:00:00Z,login,,\n".utf8).write(
      to: history.appendingPathComponent("zz.csv"))
    try Data([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]).write(
      to: history.appendingPathComponent("torn.csv.gz"))
    try broken.change("accounts.csv") { text in
      let lines = text.split(separator: "\n")
      return text + lines[5] + "\n" + lines[7] + "\n"
    }
    let report = try broken.check()
    #expect(report.status == 65, "\(report.text)")
    let twice = report.findings("account_twice")
    #expect(twice.first?.count == 2 && twice.first?.severity == "error", "\(report.text)")
    #expect(twice.first?.places == ["accounts.csv:3002", "accounts.csv:3003"])
    let gone = report.findings("column_renamed")
    #expect(gone.count == 1 && gone.first?.severity == "error", "\(report.text)")
    #expect(gone.first?.count == renamed.count)
    #expect(gone.first?.text.contains("\"value\" (for `value`) is gone and \"amount\"") == true)
    #expect(report.findings("unreadable").contains { $0.text.contains("torn.csv.gz") })
    #expect(report.findings("header_missing").first?.places == ["zz.csv:1"])
    #expect(!report.text.contains("eva@"))
    #expect(report.findings("file_twice").count == 1)
    let run = try Program.run(
      "features", "--as-of", Self.asOf, "--out", "v.csv", in: broken.folder)
    #expect(run.status == 65, "\(run.errors)")

    // Too many unusable rows: by what is wrong, and more than a run takes.
    var worse = try Broken()
    let at = worse.column("at")
    for row in 0...1000 { worse.months["2025-06"]?[row][at] = "soon" }
    try worse.write()
    let bad = try worse.check()
    #expect(bad.status == 65)
    #expect(bad.findings("too_many_unusable_rows").first?.count == 1001)
    #expect(bad.findings("unusable_rows").map(\.count) == [1001])
    #expect(bad.findings("unusable_rows").first?.severity == "error")
    // A source that is not there.
    try worse.change("tacit.toml") { $0.replacing("history/*", with: "nowhere/*") }
    #expect(try worse.check().status == 66)
    // The project file comes first.
    try worse.change("tacit.toml") { $0 + "\n[reading]\nmax_bad_row_shar = 1\n" }
    let project = try Program.run("check", in: worse.folder)
    #expect(project.status == 78 && project.errors.contains("max_bad_row_share"))
  }

  /// Half a night, a night that did not come, columns of other types, clocks out of order.
  @Test func deliveriesAreHeldAgainstTheWeeksBefore() throws {
    var broken = try Broken()
    let (at, kind) = (broken.column("at"), broken.column("kind"))
    let whole = broken.months
    // Sunday the 1st of March in Berlin begins on Saturday, 23:00 UTC.
    #expect(whole["2026-02"]?.isEmpty == false)
    var thin = broken
    var count = 0
    for month in ["2026-02", "2026-03"] {
      thin.months[month] = whole[month]?.filter { row in
        guard row[at] >= "2026-02-28T23" else { return true }
        count += 1
        return count % 3 == 0
      }
    }
    try thin.write()
    let low = try thin.check()
    #expect(low.codes.contains("volume_low") && low.status == 0, "\(low.text)")
    #expect(low.findings("volume_low").first?.text.contains("2026-03-01") == true)
    let run = try Program.run(
      "train", "--as-of", "2026-02-01", "--quiet", in: thin.folder)
    #expect(run.status == 0, "\(run.errors)")
    let night = try Program.run(
      "nightly", "--as-of", Self.asOf, "--dry-run", "--quiet", in: thin.folder)
    #expect(
      night.output.contains("warning: ") && night.output.contains("half or less"), "\(night.output)"
    )
    // What is packed by one night is held against the next without being read again.
    #expect(
      try Program.run("nightly", "--as-of", Self.asOf, "--quiet", in: thin.folder).output
        .contains("half or less"))
    let again = try Program.run(
      "nightly", "--as-of", "2026-03-04", "--dry-run", "--json", in: thin.folder)
    #expect(again.output.contains("nothing is newer than"), "\(again.output)")

    for month in ["2026-02", "2026-03"] {
      broken.months[month] = whole[month]?.filter { $0[at] < "2026-02-25" }
    }
    broken.months["2026-03"] = nil
    // Kinds by number from one month on, and a second clock before the first.
    broken.header.append("loaded")
    for (month, rows) in broken.months {
      broken.months[month] = rows.map {
        $0 + [month == "2026-02" ? "2026-01-31T00:00:00Z" : $0[at]]
      }
    }
    broken.months["2026-02"] = broken.months["2026-02"]?.map { row in
      var row = row
      row[kind] = "17"
      return row
    }
    try broken.change("tacit.toml") {
      $0.replacing("at = \"at\"\n", with: "at = \"at\"\nknown_at = \"loaded\"\n")
    }
    try broken.write()
    let stale = try broken.check()
    #expect(stale.codes.contains("stale") && !stale.codes.contains("volume_low"), "\(stale.text)")
    #expect(
      stale.findings("column_retyped").first?.text.contains("`kind`") == true, "\(stale.text)")
    #expect(stale.findings("column_retyped").first?.places == ["2026-02.csv:1"])
    #expect(stale.findings("known_before_at").first?.count == broken.months["2026-02"]?.count)
    #expect(
      stale.findings("known_before_at").first?.places.first?.hasPrefix("2026-02.csv:") == true)
  }
}

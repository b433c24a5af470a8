import Foundation
import TestSupport
import Testing

/// `tacit init` on files that it has never seen: what it proposes is right, loads, and runs.
@Suite struct InitTests {
  /// What `init --json` reports, as far as it is looked at.
  private struct Report: Decodable {
    struct Table: Decodable {
      var path: String
      var role: String
      var account: String?
      var columns: [String: String?]
    }
    var asOf: String
    var tables: [Table]
    var decide: [String]
    var next: [String]
  }

  private struct Proposal {
    var report: Report
    var text: String
    var folder: URL
  }

  private func write(_ folder: URL, _ name: String, _ rows: [[String]]) throws {
    let text = rows.map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n"
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  /// Proposes for files, and shows that what comes out runs as it is: features of many accounts, no row
  /// unusable.
  private func propose(
    _ files: [String], in folder: URL, accounts: ClosedRange<Int>, trains: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Proposal {
    let run = try Program.run(["init", "--json", "--force"] + files, in: folder)
    try #require(run.status == 0, "\(run.errors)", sourceLocation: sourceLocation)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try decoder.decode(Report.self, from: Data(run.output.utf8))
    let text = try String(contentsOf: folder.appendingPathComponent("tacit.toml"), encoding: .utf8)
    let next = try #require(report.next.first).split(separator: " ").map(String.init)
    let features = try Program.run(Array(next.dropFirst()) + ["--json"], in: folder)
    #expect(features.status == 0, "\(features.errors)\n\(text)", sourceLocation: sourceLocation)
    let made = try JSONSerialization.jsonObject(with: Data(features.output.utf8))
    let result = try #require(made as? [String: Any])
    #expect(
      accounts.contains(result["accounts"] as? Int ?? 0), "\(result["accounts"] ?? "")",
      sourceLocation: sourceLocation)
    let unusable = (result["read"] as? [[String: Any]])?.compactMap { $0["unusable"] as? Int }
    #expect(unusable?.allSatisfy { $0 == 0 } == true, sourceLocation: sourceLocation)
    if trains {
      let train = try #require(report.next.last).split(separator: " ").map(String.init)
      let trained = try Program.run(Array(train.dropFirst()), in: folder)
      #expect(
        trained.status == 0 || trained.status == 3, "\(trained.errors)",
        sourceLocation: sourceLocation)
    }
    return Proposal(report: report, text: text, folder: folder)
  }

  private func stamp(_ second: Int, _ format: String) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = format
    return formatter.string(from: Date(timeIntervalSince1970: 1_600_000_000 + Double(second)))
  }

  private func hex(_ draw: inout SplitMix64) -> String {
    String(draw.next() | 1 << 63, radix: 16) + String(draw.next() | 1 << 63, radix: 16)
  }

  /// A row an order, with the times of all that became of it, as Olist's tables joined.
  private func orders(_ draw: inout SplitMix64) -> [[String]] {
    let header =
      "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
      + "order_delivered_customer_date,order_estimated_delivery_date,price,review_score,"
      + "review_comment_message,review_creation_date,review_answer_timestamp"
    let customers = (0..<150).map { _ in hex(&draw) }
    var rows = [header.split(separator: ",").map(String.init)]
    let format = "yyyy-MM-dd HH:mm:ss"
    for index in 0..<900 {
      let bought = draw.below(500 * 86_400)
      let delivered = draw.below(20) == 0 ? nil : bought + 86_400 * (2 + draw.below(20))
      let asked = delivered.flatMap { draw.below(4) == 0 ? nil : $0 + 86_400 }
      rows.append([
        hex(&draw), customers[draw.below(150)], ["delivered", "shipped"][draw.below(2)],
        stamp(bought, format), stamp(bought + 900, format),
        delivered.map { stamp($0, format) } ?? "", stamp(bought + 20 * 86_400, format),
        "\(5 + draw.below(300)).\(10 + draw.below(90))",
        asked.map { _ in "\(1 + draw.below(5))" } ?? "",
        asked.map { _ in "the parcel number \(index) came in the end" } ?? "",
        asked.map { stamp($0, format) } ?? "",
        asked.map { stamp($0 + 3600 * (1 + draw.below(90)), format) } ?? "",
      ])
    }
    return rows
  }

  @Test func aRowAnOrderIsSeveralEvents() throws {
    var draw = SplitMix64(1)
    let folder = try temporaryFolder()
    let rows = orders(&draw)
    try write(folder, "orders.csv", rows)
    let found = try propose(["orders.csv"], in: folder, accounts: 140...150, trains: true)
    let columns = found.report.tables[0].columns
    #expect(found.report.tables[0].account == "customer_id")
    #expect(columns["review_score"] == "value" && columns["review_comment_message"] == "text")
    for part in [
      #"at = "order_delivered_customer_date""#, #"only_where = "order_delivered_customer_date""#,
      #"kind = { constant = "order_purchase" }"#, #"kind = { constant = "order_approved" }"#,
      #"at = "review_answer_timestamp""#, #"only_where = "review_score""#,
      "detractor = { at_most = 2 }", "mechanics = true", "left out: order_estimated_delivery_date",
    ] {
      #expect(found.text.contains(part), "\(part) in\n\(found.text)")
    }
    // What a customer said is the value of that alone, or features would know it.
    #expect(found.text.components(separatedBy: #"value = "review_score""#).count == 2)
    #expect(found.text.components(separatedBy: #"value = "price""#).count == 2)
    // Nothing of a row but names of columns and kinds.
    for row in rows.dropFirst().prefix(50) {
      #expect(!found.text.contains(row[1]) && !found.text.contains(row[0]))
    }
    #expect(!found.text.contains("the parcel"))
  }

  /// The reviews name the order alone, the order names the customer.
  @Test func aTableWithoutAccountsIsJoined() throws {
    var draw = SplitMix64(1)
    let folder = try temporaryFolder()
    guard try DuckDB.linked(into: folder) != nil else { return }
    let rows = orders(&draw)
    try write(folder, "orders.csv", rows.map { Array($0[...6]) })
    try write(folder, "reviews.csv", rows.filter { !$0[8].isEmpty }.map { [$0[0], $0[8], $0[11]] })
    let found = try propose(["orders.csv", "reviews.csv"], in: folder, accounts: 140...150)
    #expect(found.report.tables.map(\.role) == ["events", "bridged"])
    #expect(found.text.contains("via = \"duckdb\""))
    #expect(found.text.contains("at = \"review_answer_timestamp\""))
  }

  @Test func anExportOfACRMIsAccountsContactsAndEvents() throws {
    var draw = SplitMix64(2)
    let folder = try temporaryFolder()
    var accounts = [
      "Account ID,Account Name,Industry,Tier,Annual Revenue,Employees,Owner,Opt Out,Gender"
        .split(separator: ",").map(String.init)
    ]
    var contacts = [["Contact ID", "Account ID", "Full Name", "Email", "Mobile", "Do Not Call"]]
    for index in 0..<120 {
      let id = "ACC-0\(1000 + index)"
      accounts.append([
        id, "Example Company \(index)", ["Retail", "Tech"][draw.below(2)],
        ["A", "B", "C"][draw.below(3)], "\(1000 + draw.below(9000))", "\(1 + draw.below(60))",
        ["Owner One", "Owner Two"][draw.below(2)], draw.below(9) == 0 ? "true" : "false",
        ["f", "m"][draw.below(2)],
      ])
      for person in 0...draw.below(3) {
        contacts.append([
          "P\(index)-\(person)", id, "Person \(index) of \(person)", "p\(index)@example.org",
          "+49 170 555\(1000 + index)", "\(draw.below(9) / 8)",
        ])
      }
    }
    var deals = [
      ["Deal ID", "Account ID", "Stage", "Amount", "Created", "Last Modified", "Closed"]
    ]
    let german = "dd.MM.yyyy HH:mm"
    for index in 0..<600 {
      let created = draw.below(400 * 86_400)
      let closed = draw.below(3) == 0 ? nil : created + draw.below(60 * 86_400)
      deals.append([
        "D\(10_000 + index)", "ACC-0\(1000 + draw.below(120))", ["won", "lost"][draw.below(2)],
        "\(draw.below(5000)).50", stamp(created, german), stamp((closed ?? created) + 60, german),
        closed.map { stamp($0, german) } ?? "",
      ])
    }
    try write(folder, "accounts.csv", accounts)
    try write(folder, "contacts.csv", contacts)
    try write(folder, "deals.csv", deals)
    let found = try propose(
      ["deals.csv", "contacts.csv", "accounts.csv"], in: folder, accounts: 110...120)
    let roles = Dictionary(uniqueKeysWithValues: found.report.tables.map { ($0.path, $0.role) })
    #expect(
      roles == ["accounts.csv": "accounts", "contacts.csv": "contacts", "deals.csv": "events"])
    for part in [
      #"at = { column = "Created", format = "dd.MM.yyyy HH:mm" }"#,
      #"kind = { constant = "deal_closed" }"#, #"only_where = "Closed""#, "left out: Last Modified",
      #"do_not_contact = "Opt Out""#, #"do_not_contact = "Do Not Call""#, #"segment = "Tier""#,
      #"value = "Annual Revenue""#, #"numeric = ["Employees"]"#, #"categorical = ["Industry"]"#,
      #"owner = "Owner""#, #"contact = "Contact ID""#, #"email = "Email""#, #"phone = "Mobile""#,
      #"name = "Full Name""#, "Gender (a protected attribute)", "0 the other way", "# [feedback]",
    ] {
      #expect(found.text.contains(part), "\(part) in\n\(found.text)")
    }
    #expect(!found.text.contains("ACC-0") && !found.text.contains("@"))
    #expect(found.report.decide.contains { $0.contains("by which kind do customers speak") })
  }

  @Test func anExportOfTicketsHasItsScores() throws {
    var draw = SplitMix64(3)
    let folder = try temporaryFolder()
    var tickets = [
      "ticket_id,user_id,opened_at,resolved_at,priority,channel,subject,csat".split(separator: ",")
        .map(String.init)
    ]
    let american = "MM/dd/yyyy HH:mm"
    for index in 0..<900 {
      let opened = draw.below(600 * 86_400)
      let resolved = draw.below(9) == 0 ? nil : opened + draw.below(9 * 86_400)
      tickets.append([
        "\(100_000 + index)", "\(5000 + draw.below(150))", stamp(opened, american),
        resolved.map { stamp($0, american) } ?? "", ["low", "high"][draw.below(2)],
        ["email", "phone"][draw.below(2)], "why does my thing number \(index) not work today",
        resolved == nil || draw.below(3) > 0 ? "" : "\(1 + draw.below(5))",
      ])
    }
    try write(folder, "tickets.csv", tickets)
    let found = try propose(["tickets.csv"], in: folder, accounts: 140...150, trains: true)
    #expect(found.report.tables[0].account == "user_id")
    for part in [
      #"at = { column = "opened_at", format = "MM/dd/yyyy HH:mm" }"#,
      #"kind = { constant = "ticket_opened" }"#, #"kind = { constant = "ticket_resolved" }"#,
      #"kind = { constant = "csat" }"#, #"only_where = "csat""#, #"channel = "channel""#,
    ] {
      #expect(found.text.contains(part), "\(part) in\n\(found.text)")
    }
    #expect(found.report.decide.contains { $0.contains("when is \"csat\" given") })
    #expect(found.text.components(separatedBy: #"value = "csat""#).count == 2)
  }

  @Test func aLogOfKindsIsWhatTheSampleSays() throws {
    let folder = try sampleCopy()
    let found = try propose(
      ["events.csv", "accounts.csv"], in: folder, accounts: 2900...3000, trains: true)
    for part in [
      #"kind = "kind""#, #"at = "at""#, #"value = "value""#, #"channel = "channel""#,
      #"numeric = ["seats"]"#, #"categorical = ["plan", "region"]"#, #"segment = "segment""#,
      #"value = "annual_value""#, #"do_not_profile = "do_not_profile""#, "at_most = 6",
      #"kind = "complaint""#, #"kind = "refund_request""#, "opens_case = true", "mechanics = true",
    ] {
      #expect(found.text.contains(part), "\(part) in\n\(found.text)")
    }
    #expect(found.report.asOf == "2026-03-02")
  }

  @Test func realLogsAreRead() throws {
    let folder = try temporaryFolder()
    guard let purchases = Shared.path("data/cdnow/cdnow.csv"),
      let ratings = Shared.path("data/bitcoin_otc/soc-sign-bitcoinotc.csv")
    else { return }
    let bought = try propose([purchases], in: folder, accounts: 23_570...23_570)
    #expect(bought.report.asOf == "1998-07-01" && bought.text.contains("\"purchase\""))
    #expect(bought.text.contains("value = \"amount\""))
    let rated = try propose([ratings], in: folder, accounts: 5_800...5_900)
    #expect(rated.text.contains("account = \"Source\"") && rated.text.contains("format = \"unix\""))
    #expect(rated.text.contains("account = \"Target\"") && rated.text.contains("{ below = 0 }"))
    guard let telco = Shared.path("data/telco_classic/Telco-Customer-Churn.csv") else { return }
    let vectors = try Program.run("init", telco, "--out", "no.toml", in: folder)
    #expect(vectors.status == 65 && vectors.errors.contains("tacit fit"), "\(vectors.errors)")
  }

  @Test func whatCannotBeDecidedIsSaid() throws {
    let folder = try temporaryFolder()
    var rows = [["customer", "datum", "event", "score"]]
    for index in 0..<200 {
      rows.append([
        "k\(index % 40)", "0\(1 + index % 9)/0\(1 + index % 7)/2024",
        ["login", "survey_sent", "umfrage"][index % 3], index % 3 == 2 ? "\(index % 11)" : "",
      ])
    }
    try write(folder, "log.csv", rows)
    let found = try propose(["log.csv"], in: folder, accounts: 40...40)
    #expect(found.report.decide.contains { $0.contains("dd/MM/yyyy or MM/dd/yyyy") })
    #expect(found.text.contains("mechanics = true") && found.text.contains("at_most = 6"))
    let again = try Program.run("init", "log.csv", in: folder)
    #expect(again.status == 73 && again.errors.contains("--force"))
    for (name, bytes, status, part) in [
      ("semi.csv", "a;b\n1;2\n", 65, "delim = ';'"), ("tabs.csv", "a\tb\n1\t2\n", 65, "tabs"),
      ("bars.csv", "a|b\n1|2\n", 65, "vertical bars"), ("empty.csv", "", 65, "is empty"),
      ("json.csv", "{\"a\": 1}\n", 65, "JSON"), ("head.csv", "a,b\n", 65, "no rows"),
      ("bare.csv", "1,2024-01-01\n2,2024-01-02\n", 65, "no header"),
      ("zip.csv", "PK\u{3}\u{4}abc", 65, "spreadsheet"),
      ("ids.csv", "when,what\n2024-01-01,x\n2024-01-02,y\n", 65, "no column names an account"),
    ] {
      try Data(bytes.utf8).write(to: folder.appendingPathComponent(name))
      let run = try Program.run("init", name, "--out", "x.toml", in: folder)
      #expect(Int(run.status) == status && run.errors.contains(part), "\(name): \(run.errors)")
    }
    let none = try Program.run("init", "nothing.csv", "--out", "x.toml", in: folder)
    #expect(none.status == 66)
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("x.toml").path))
  }

  /// Parts of one table are one pattern; the same text comes out on any number of threads.
  @Test func partsAreOnePattern() throws {
    let folder = try temporaryFolder()
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("in"), withIntermediateDirectories: true)
    for year in [2023, 2024] {
      var rows = [["kunde", "zeit", "aktion"]]
      for index in 0..<300 {
        rows.append([
          "k\(index % 30)", "\(year)-0\(1 + index % 9)-1\(index % 10)T0\(index % 10):00:00Z",
          ["login", "beschwerde", "bestellung"][index % 3],
        ])
      }
      try write(folder, "in/log-\(year).csv", rows)
    }
    let found = try propose(
      ["in/log-2023.csv", "in/log-2024.csv"], in: folder, accounts: 20...20)
    // The third kind is a complaint, which is no feature: ten of the thirty do nothing else.
    #expect(found.text.contains("path = \"in/log-*.csv\""))
    #expect(found.text.contains("kind = \"beschwerde\"") && found.text.contains("opens_case"))
    #expect(found.text.contains("# DECIDE: all times say their offset"))
    let one = try Program.run(
      "init", "in/log-2023.csv", "in/log-2024.csv", "--out", "one.toml", "--threads", "1",
      in: folder)
    #expect(one.status == 0)
    #expect(
      try String(contentsOf: folder.appendingPathComponent("one.toml"), encoding: .utf8)
        == found.text)
  }
}

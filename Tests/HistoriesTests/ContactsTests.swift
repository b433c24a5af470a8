import Foundation
import Histories
import TestSupport
import Testing

/// Several people an account, and whose consent holds.
@Suite struct ContactsTests {
  private static let events = "id,at\n1,2024-01-01\n2,2024-01-01\n3,2024-01-01\n"

  private static func settings(
    _ contacts: String, accounts: String? = "id,dnc\n1,no\n2,no\n4,yes\n",
    _ change: (inout ContactsSource) -> Void = { _ in }
  ) throws -> HistorySettings {
    let folder = try temporaryFolder()
    func write(_ name: String, _ text: String) throws -> String {
      let place = folder.appendingPathComponent(name)
      try Data(text.utf8).write(to: place)
      return place.path
    }
    var source = ContactsSource(
      path: try write("contacts.csv", contacts), account: "customer", contact: "person")
    source.name = "who"
    source.role = "role"
    source.timeZone = "zone"
    source.callTimes = "times"
    source.doNotContact = "refuses"
    change(&source)
    var settings = HistorySettings(
      events: [
        EventSource(
          path: try write("events.csv", events), account: "id",
          at: TimeMapping(column: "at"), kind: .constant("order"))
      ], contacts: source, badRowShare: 1)
    if let accounts {
      var source = AccountsSource(path: try write("accounts.csv", accounts), account: "id")
      source.doNotContact = "dnc"
      settings.accounts = source
    }
    return settings
  }

  private static let header = "customer,person,who,role,zone,times,refuses\n"

  @Test func peopleOfAnErasedAccountAreGone() throws {
    var settings = try Self.settings(
      "customer,person,who,role,zone,times,refuses\n9,p,Ann,,,,no\n1,q,Bo,,,,no\n")
    #expect(try AccountBook(settings, of: ["9"])["9"]?.contacts.count == 1)
    _ = try settings.erased.add(["9"], folder: try temporaryFolder())
    #expect(try AccountBook(settings, of: ["9"])["9"] == nil)
    #expect(try AccountBook(settings, of: ["1"])["1"]?.contacts.map(\.contact) == ["q"])
    #expect(try Consent(settings).refuses("p", of: "9") == nil)
  }

  @Test func peopleComeInTheOrderOfTheFileAndKeepTheirConsent() throws {
    let text =
      Self.header + """
        2,b,Bo,,Asia/Kolkata,mon-fri 10:00-11:00; 2026-03-04 15:00-15:30,no
        1,x,"Zo\u{301}e, Ltd",buyer,,,yes
        2,a,Al,,,,
        1,y,,,,,YES
        2,c,Cy,,,,1
        4,z,,,,,no
        3,q,Quin,,America/New_York,,
        77,u,,,,,
        77,v,,,,,
        78,u,,,,,

        """
    let settings = try Self.settings(text)
    let base = try HistoryBase.read(settings, threads: 2)
    func record(_ id: String) throws -> AccountRecord {
      try #require(base.index(of: id).flatMap(base.record))
    }
    let two = try record("2")
    #expect(two.contacts.map(\.contact) == ["b", "a", "c"])
    #expect(two.contacts.map(\.doNotContact) == [false, false, true])
    #expect(two.contacts[0].timeZone == "Asia/Kolkata")
    #expect(two.contacts[0].callTimes.count == 2 && !two.doNotContact)
    // All of one account's people refuse; so does another's own row.
    #expect(try record("1").doNotContact && record("1").contacts[0].name == "Zo\u{301}e, Ltd")
    #expect(try record("4").doNotContact)
    // No row of the accounts file, an event and a person.
    #expect(try record("3").contacts.map(\.name) == ["Quin"] && !record("3").doNotContact)
    #expect(base.index(of: "77") == nil)
    #expect(base.intake.lines.contains { $0.contains("[contacts] names 2 accounts (3 rows)") })
    // Those who read no histories see the same.
    let ids = ["1", "2", "3", "4"]
    let book = try AccountBook(settings, of: ids)
    for id in ids { #expect(try book[id] == record(id)) }
    let consent = try Consent(settings)
    for id in ids { #expect(try consent.refuses(id) == record(id).doNotContact) }
    #expect(consent.refuses("c", of: "2") == true && consent.refuses("a", of: "2") == false)
    #expect(consent.refuses("x", of: "2") == nil && !consent.refuses("99"))
  }

  /// Nobody becomes callable by a row that cannot be read.
  @Test func aBadRowKeepsItsConsent() throws {
    let text =
      Self.header + """
        1,a,,,Nowhere,,yes
        1,b,,,,noon,no
        2,a,,,,,perhaps
        2,,,,,,no
        3,c,,,,,
        3,,,,,,no

        """
    let base = try HistoryBase.read(try Self.settings(text, accounts: nil), threads: 1)
    func record(_ id: String) throws -> AccountRecord {
      try #require(base.index(of: id).flatMap(base.record))
    }
    #expect(try record("1").contacts.map(\.doNotContact) == [true, false])
    #expect(try record("2").doNotContact && record("2").contacts.map(\.contact) == ["a", ""])
    #expect(try record("3").contacts.map(\.doNotContact) == [false, true])
    #expect(base.intake.badRows == 5)
    let problems = base.intake.examples.map(\.what).joined(separator: "\n")
    #expect(problems.contains("`time_zone` is no time zone"))
    #expect(problems.contains("`call_times` is no list of call times"))
    #expect(problems.contains("`do_not_contact` is none of"))
    #expect(problems.contains("`contact` is empty"))
  }

  @Test func brokenFilesAreRefused() throws {
    func message(
      _ text: String, share: Double = 1, _ change: (inout ContactsSource) -> Void = { _ in }
    ) throws -> String {
      var settings = try Self.settings(text, change)
      settings.badRowShare = share
      do throws(HistoriesError) {
        _ = try HistoryBase.read(settings, threads: 1)
        return "taken"
      } catch { return "\(error.exitStatus) \(error)" }
    }
    let again = try message(Self.header + "1,a,,,,,\n2,a,,,,,\n1,a,,,,,\n")
    #expect(again.contains("line 4: the same contact of the same account as on line 2"))
    #expect(try message(Self.header).contains("contacts.csv has no rows below the header"))
    #expect(
      try message(Self.header + "1,a,,,,,\n") { $0.phone = "roles" }.contains(
        "did you mean \"role\"?"))
    let many = try message(Self.header + "1,a,,,,x,\n2,a,,,,,\n", share: 0.01)
    #expect(many.hasPrefix("65 ") && many.contains("[contacts]: 1 of 2 rows cannot be used"))
  }

  @Test(arguments: [
    ("", 0), ("mon 10:00-11:00", 1), (" mon 10:00-11:00 ;2026-03-04 15:00-15:30", 2),
  ])
  func callTimesAreRead(text: String, count: Int) {
    #expect(Appointment.list(text)?.count == count)
  }

  @Test(arguments: [";", "mon 10:00-11:00;", "mon", "mon 10:00-11:00, tue 10:00-11:00", " "])
  func noCallTimes(text: String) { #expect(Appointment.list(text) == nil) }
}

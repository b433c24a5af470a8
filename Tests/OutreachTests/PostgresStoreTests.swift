import Foundation
import Histories
import Outreach
import Synchronization
import TestSupport
import Testing

/// What holds of PostgreSQL alone: the way to the server, and its end in the middle.
@Suite(.serialized)
struct PostgresStoreTests {
  private func failure(_ url: String) -> OutreachError? {
    StoreUnderTest(place: .postgres(url)).failure()
  }

  @Test func aUrlWithAPasswordIsRefusedWithoutRepeatingIt() {
    for url in [
      "postgres://me:s3cret@desk/db", "postgresql://desk/db?password=s3cret",
      "postgresql://desk/db?sslpassword=s3cret", "postgresql://me:%733cret@a,b:5433/db",
    ] {
      let error = failure(url)
      #expect(error?.exitStatus == 73 && error?.description.contains("password") == true)
      #expect(error?.description.contains("cret") == false)
    }
    for url in ["mysql://desk/db", "postgresql://desk/?colour=red"] {
      #expect(failure(url)?.exitStatus == 73)
    }
  }

  @Test func aServerThatIsNotThereIsToldAtOnce() throws {
    let clock = ContinuousClock()
    let time = clock.measure {
      let error = failure("postgresql://tacit@/t?host=/tmp/no-such-folder")
      #expect(error?.exitStatus == 69)
      #expect(error?.description.contains("/tmp/no-such-folder") == true)
    }
    #expect(time < .seconds(2))
    guard let url = try PostgresServer.database() else { return }
    let other = url.replacing("/t", with: "/none-t", maxReplacements: 1)
    #expect(failure(other)?.exitStatus == 69)
  }

  @Test func aDatabaseOfAnotherEncodingIsRefused() throws {
    guard let url = try PostgresServer.database() else { return }
    let name = "latin" + UUID().uuidString.prefix(6).lowercased()
    try PostgresServer.sql(
      "CREATE DATABASE \(name) ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
      on: url)
    let latin = url.replacing(/\/t[0-9a-f]{8}\?/, with: "/\(name)?")
    let error = failure(latin)
    #expect(error?.exitStatus == 73 && error?.description.contains("LATIN1") == true)
  }

  @Test func aStoreThatMayNotBeWrittenSaysSo() throws {
    guard let url = try PostgresServer.database() else { return }
    let place = StoreUnderTest(place: .postgres(url))
    let store = try place.store()
    try place.tamper(
      """
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'no space, "row of a0"' USING ERRCODE = '53100', DETAIL = 'a0'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON runs EXECUTE FUNCTION refuse()
      """)
    let full = #expect(throws: OutreachError.self) { try Base(5).publish(store, settings()) }
    #expect(full?.exitStatus == 74 && full?.description.contains("a0") == false)
    try place.tamper("DROP TRIGGER refuse ON runs")

    try PostgresServer.sql(
      "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", on: url)
    let reader = try CaseStore(.postgres(url.replacing("tacit@", with: "reader@")))
    #expect(try reader.openCases().isEmpty)
    let denied = #expect(throws: OutreachError.self) { try Base(5).publish(reader, settings()) }
    #expect(denied?.exitStatus == 73)
  }

  /// The connection breaks while a night is decided: it is decided again on a new one, and published
  /// once.
  @Test func aBrokenConnectionIsMadeAnew() throws {
    guard let url = try PostgresServer.database() else { return }
    let store = try CaseStore(.postgres(url))
    let base = Base(10)
    var calls = 0
    let run = published(
      try store.publish(asOf: monday) { work in
        calls += 1
        if calls < 3 { try PostgresServer.disconnect(url) }
        return base.night(settings(), work, at: monday)
      })
    #expect(run?.flagged == 3 && calls == 3)
    // One that breaks at rest is noticed before anything is done.
    try PostgresServer.disconnect(url)
    #expect(try store.openCases().count == 3)
    try PostgresServer.disconnect(url)
    let open = try store.claim(by: "ann", at: monday, until: monday.adding(days: 1))
    #expect(open?.account == "a0")
  }

  /// COMMIT goes through and its answer does not come: the night is there, once, and said to be.
  @Test func aCommitWithoutAnAnswerIsLookedUp() throws {
    guard let url = try PostgresServer.database() else { return }
    let place = StoreUnderTest(place: .postgres(url))
    let store = try place.store()
    // A deferred trigger ends the connection while it commits, the first time.
    try place.tamper(
      """
      CREATE SEQUENCE tries;
      CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('tries') <= 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON runs DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION cut();
      CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON holds DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION cut();
      """)
    var calls = 0
    let base = Base(10)
    let run = published(
      try store.publish(asOf: monday) { work in
        calls += 1
        return base.night(settings(), work, at: monday)
      })
    #expect(run?.flagged == 3 && calls == 3)
    #expect(try place.number("SELECT count(*) FROM runs") == 1)
    // What does not look first is not done again, and says that it may be there.
    try place.tamper("ALTER SEQUENCE tries RESTART")
    let error = #expect(throws: OutreachError.self) {
      try store.hold(Hold(account: "a0", kind: .legal, since: monday, until: nil), by: "ann")
    }
    #expect(error?.exitStatus == 69)
    #expect(error?.description.contains("look whether it is there") == true)
  }

  /// A night closes a case that an agent is just claiming: it waits for the agent's step, and both
  /// stand in the log.
  @Test func aNightWaitsForTheStepOfAnAgent() throws {
    guard let url = try PostgresServer.database() else { return }
    let store = try CaseStore(.postgres(url))
    let desk = try CaseStore(.postgres(url))
    let base = Base(10)
    try base.publish(store, settings())
    let tuesday = date("2026-03-03")
    let night = DispatchGroup()
    let failure = Mutex<String?>(nil)
    let taken = try desk.claim(by: "ann", at: tuesday, until: tuesday.adding(days: 1)) { _ in
      // Within the claim's transaction, which holds the case.
      night.enter()
      Thread.detachNewThread {
        do {
          _ = try store.publish(asOf: tuesday) { work in
            var night = base.night(settings(), work, at: tuesday)
            night.closings = [("a0", .cancelled)]
            return night
          }
        } catch { failure.withLock { $0 = "\(error)" } }
        night.leave()
      }
      #expect(night.wait(timeout: .now() + 0.5) == .timedOut)
      return false
    }
    night.wait()
    #expect(taken?.account == "a0")
    #expect(failure.withLock { $0 } == nil)
    #expect(try store.actions(of: 1).map(\.kind) == [.opened, .claimed, .closed])
    #expect(try store.damagedCases().isEmpty)
  }
}

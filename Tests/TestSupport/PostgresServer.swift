import Foundation

/// A PostgreSQL server of the test process's own: made when it is first asked for, reached by a
/// socket in a temporary folder, stopped and deleted when the process ends, however it ends. Its
/// databases sort texts as English does, so that an order by bytes is the store's own doing.
package final class PostgresServer: Sendable {
  private static let shared = Result { try PostgresServer() }
  private static let programs: URL? = {
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql"))
    let newest = (versions ?? []).compactMap { Int($0) }.max()
    return newest.map { URL(fileURLWithPath: "/usr/lib/postgresql/\($0)/bin") }
  }()

  private let folder: URL
  private let programs: URL
  /// The server refuses to run as root; then it runs as this user.
  private let user: String?

  /// The URL of a new, empty database; nil, with a line that says what was skipped, where
  /// PostgreSQL's server is not installed.
  package static func database(test: String = #function) throws -> String? {
    guard programs != nil else {
      print("SKIPPED: \(test): no PostgreSQL server in /usr/lib/postgresql")
      return nil
    }
    let server = try shared.get()
    let name = "t" + UUID().uuidString.prefix(8).lowercased()
    try server.sql("CREATE DATABASE \(name)", in: "postgres")
    return server.url(name)
  }

  /// Runs statements on a database as another program would; rows come with a line each, columns
  /// apart by "|".
  @discardableResult
  package static func sql(_ text: String, on url: String) throws -> String {
    try shared.get().psql(text, url)
  }

  /// Ends every connection to a database but the one that asks, as a server that goes down does.
  package static func disconnect(_ url: String) throws {
    try sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        + "WHERE datname = current_database() AND pid <> pg_backend_pid()", on: url)
  }

  private init() throws {
    guard let programs = Self.programs else { throw Failure(description: "no PostgreSQL server") }
    self.programs = programs
    user = geteuid() == 0 ? (getpwnam("postgres") == nil ? "nobody" : "postgres") : nil
    // A socket's path has at most 107 bytes.
    folder = URL(fileURLWithPath: "/tmp/tacit-pg-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    if let user { try Self.run("/bin/chown", [user, folder.path]) }
    try asUser([
      "initdb", "--no-sync", "--auth=trust", "--username=tacit", "--encoding=UTF8",
      "--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8", "-D", data,
    ])
    try asUser([
      "pg_ctl", "start", "--wait", "-D", data, "-l", folder.path + "/log", "-o",
      "-k \(folder.path) -c listen_addresses= -c fsync=off -c max_connections=200",
    ])
    // Outlives the process by less than a second, also where that is killed.
    let stop = command(["pg_ctl", "stop", "-m", "immediate", "-D", data])
      .map { "'\($0)'" }.joined(separator: " ")
    try Self.run(
      "/bin/sh",
      [
        "-c",
        "(while kill -0 \(getpid()); do sleep 0.5; done; \(stop); rm -rf '\(folder.path)') "
          + "</dev/null >/dev/null 2>&1 &",
      ])
  }

  private var data: String { folder.path + "/data" }

  private func url(_ database: String) -> String {
    "postgresql://tacit@/\(database)?host=\(folder.path)"
  }

  private func sql(_ text: String, in database: String) throws { try psql(text, url(database)) }

  @discardableResult
  private func psql(_ text: String, _ url: String) throws -> String {
    try Self.run(
      programs.appendingPathComponent("psql").path,
      ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", text])
  }

  private func command(_ words: [String]) -> [String] {
    let program = programs.appendingPathComponent(words[0]).path
    let words = [program] + words.dropFirst()
    guard let user else { return words }
    return [
      "/usr/bin/env", "-C", "/", "setpriv", "--reuid=\(user)", "--regid=nogroup", "--clear-groups",
    ] + words
  }

  private func asUser(_ words: [String]) throws {
    let words = command(words)
    try Self.run(words[0], Array(words.dropFirst()))
  }

  /// What the program prints. Not by `Process`, which waits for what the program leaves running, too.
  @discardableResult
  private static func run(_ program: String, _ arguments: [String]) throws -> String {
    let output = try temporaryFolder().appendingPathComponent("out")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output.path, O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child = pid_t()
    var status: Int32 = 0
    guard posix_spawn(&child, program, &actions, nil, &words, environ) == 0,
      waitpid(child, &status, 0) == child
    else { throw Failure(description: "\(program) cannot be started") }
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    try FileManager.default.removeItem(at: output.deletingLastPathComponent())
    guard status == 0 else { throw Failure(description: "\(program) failed: \(text)") }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private struct Failure: Error, CustomStringConvertible { var description: String }
}

import Foundation

/// Where the bytes of a table come from, as often as they are asked for: a file, the output of a
/// program that is run anew each time, or a query that a server answers anew each time.
package struct ByteSource: Sendable {
  /// What messages call it: the path that the user gave, or a query's beginning.
  package let path: String
  private let origin: Origin

  private enum Origin {
    case file
    /// The program's path and its arguments, those with which it gives the header alone, and where
    /// it runs (nil: here).
    case program(rows: [String], header: [String], folder: String?)
    case postgres(PostgresQuery)
  }

  package static func file(_ path: String) -> ByteSource { ByteSource(path: path, origin: .file) }

  static func program(
    rows: [String], header: [String], folder: String?, path: String
  ) -> ByteSource {
    ByteSource(path: path, origin: .program(rows: rows, header: header, folder: folder))
  }

  static func postgres(_ query: PostgresQuery, path: String) -> ByteSource {
    ByteSource(path: path, origin: .postgres(query))
  }

  /// Whether places in it are rows, from 1, since nobody has seen its lines.
  var countsRows: Bool {
    if case .file = origin { false } else { true }
  }

  /// What a place in it is called, and a place for messages.
  var unit: String { countsRows ? "row" : "line" }
  func place(_ number: Int) -> String { "\(path), \(unit) \(number)" }

  /// Throws `inputMissing` where there is no such file, `service` where the program does not
  /// start or the server does not answer, `dataContract` where it refuses the query. `header`: no
  /// more than the header is wanted.
  func open(header: Bool = false) throws(HistoriesError) -> ByteStream {
    switch origin {
    case .file: try ByteStream(path: path)
    case .program(let rows, let names, let folder):
      ByteStream(
        path: path, child: try ChildProcess(header ? names : rows, reads: path, folder: folder))
    case .postgres(let query):
      ByteStream(path: path, rows: try PostgresTable(query, header: header, reads: path))
    }
  }
}

extension ByteSource {
  /// About how many bytes of CSV it is, for dividing the work: packed files hold some six times their
  /// size (at most some twenty), and of a query nobody knows.
  func bytesAsText(atMost: Bool = false) throws(HistoriesError) -> Int {
    if countsRows { return Self.bytesAsText(ofPacked: path, atMost: atMost) }
    let stream = try ByteStream(path: path)
    return stream.isCompressed ? stream.size * (atMost ? 20 : 6) : stream.size
  }

  /// The same of a Parquet file that is not opened yet, or of a query by its name.
  static func bytesAsText(ofPacked path: String, atMost: Bool = false) -> Int {
    let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    return size.map { $0 * (atMost ? 20 : 6) } ?? 1 << 29
  }
}

/// A program whose output is read through a pipe.
final class ChildProcess {
  let descriptor: Int32
  private let process = Process()
  private let output = Pipe()
  private let errors = Pipe()
  private let reads: String
  /// Why it failed, once that was asked: what it said can be read only once.
  private var failure: HistoriesError?

  /// `reads` is the file that it reads, for messages.
  init(_ command: [String], reads: String, folder: String?) throws(HistoriesError) {
    self.reads = reads
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    descriptor = output.fileHandleForReading.fileDescriptor
    do { try process.run() } catch {
      throw .service("\(command[0]) does not start: \(error.localizedDescription)")
    }
  }

  /// Waits for the end; throws `dataContract` with the program's own first line if it failed, so
  /// that output cut short is never taken for all of it.
  func finish() throws(HistoriesError) {
    if let failure { throw failure }
    let said = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus != 0 || process.terminationReason != .exit else { return }
    let line = said.split(separator: UInt8(ascii: "\n")).first ?? said[...]
    let error = HistoriesError.dataContract(
      "\(reads) cannot be read: \(String(decoding: line.prefix(300), as: UTF8.self))")
    failure = error
    throw error
  }

  deinit {
    guard process.isRunning else { return }
    // Whoever stops reading early wants no more of it. The program may be a script whose own child
    // writes, which only a closed pipe ends; and it was started with signals blocked if the thread
    // was a worker's, so that none but SIGKILL is sure to reach it.
    try? output.fileHandleForReading.close()
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}

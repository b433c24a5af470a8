import Foundation

/// Where the bytes of a table come from, as often as they are asked for: a file, or the output of a
/// program that is run anew each time.
package struct ByteSource: Sendable {
  /// What messages call it: the path that the user gave.
  package let path: String
  /// A program's path and its arguments; nil for a file.
  let command: [String]?

  package static func file(_ path: String) -> ByteSource { ByteSource(path: path, command: nil) }

  /// Throws `inputMissing` where there is no such file, and `service` where the program does not
  /// start.
  func open() throws(HistoriesError) -> ByteStream {
    guard let command else { return try ByteStream(path: path) }
    return ByteStream(path: path, child: try ChildProcess(command, reads: path))
  }
}

/// A program whose output is read through a pipe.
final class ChildProcess {
  let descriptor: Int32
  private let process = Process()
  private let output = Pipe()
  private let errors = Pipe()
  private let reads: String

  /// `reads` is the file that it reads, for messages.
  init(_ command: [String], reads: String) throws(HistoriesError) {
    self.reads = reads
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
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
    let said = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus != 0 || process.terminationReason != .exit else { return }
    let line = said.split(separator: UInt8(ascii: "\n")).first ?? said[...]
    throw .dataContract(
      "\(reads) cannot be read: \(String(decoding: line.prefix(300), as: UTF8.self))")
  }

  deinit {
    // Whoever stops reading early wants no more of it.
    if process.isRunning {
      process.terminate()
      process.waitUntilExit()
    }
  }
}

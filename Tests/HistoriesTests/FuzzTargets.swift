import Foundation
import Histories

/// What `make fuzz` runs on bytes of all sorts, and the suite on those that were kept: each target
/// reads its input as a user's file would be read, and stops the process where what comes out
/// contradicts itself. A crash, a sanitizer's report or too much memory is the fuzzer's to see.
enum FuzzTarget: String, CaseIterable {
  /// A table, in chunks of several sizes: the same cells or the same refusal.
  case table
  /// The same bytes as gzip, passed over where they do not begin so.
  case gzip
  /// Rows of events of every form, in chunks of two sizes.
  case events
  /// A time pattern on the first line, times below; and each line as an instant.
  case times
  /// A number to a line.
  case numbers
  /// A project file.
  case project
  /// The file of the erased.
  case tombstones
  /// A table that nobody has described: what is proposed must load.
  case proposal
  /// A partition of a packed file, behind its check sum.
  case block

  func run(_ input: [UInt8], in folder: FuzzFolder) {
    switch self {
    case .table: table(input, folder.write("fuzz.csv", input))
    case .gzip:
      if input.starts(with: [0x1f, 0x8b]) { table(input, folder.write("fuzz.csv.gz", input)) }
    case .events: events(input, folder)
    case .times: times(input, folder)
    case .numbers: numbers(input, folder)
    case .project: project(input)
    case .tombstones: tombstones(input, folder)
    case .proposal: proposal(input, folder)
    case .block:
      if let once = PackedBlock.rewritten(input) {
        precondition(PackedBlock.rewritten(once) == once, "a block is not read as it is written")
      }
    }
  }

  private func cells(_ path: String, _ chunkBytes: Int) -> String {
    do throws(HistoriesError) {
      let table = try CSVTable(path: path, chunkBytes: chunkBytes)
      var bytes: [UInt8] = []
      for row in 0..<table.rowCount {
        for column in table.header.indices {
          bytes += table.cell(row, column)
          bytes.append(0xff)
          if case .number(let number) = table.number(row, column) { precondition(number.isFinite) }
        }
        bytes += Array("\(table.line(row))".utf8)
      }
      return table.header.joined(separator: "\u{1f}")
        + bytes.map { String($0) }.joined(separator: " ")
    } catch {
      return "refused"
    }
  }

  private func table(_ input: [UInt8], _ path: String) {
    let whole = cells(path, 1 << 16)
    for chunkBytes in [3, 4 + Int(input.last ?? 0) % 60] {
      precondition(cells(path, chunkBytes) == whole, "chunks of \(chunkBytes) give another table")
    }
  }

  /// Made once: its table of changes takes longer than a run.
  private static let zone = LocalTime(identifier: "Europe/Berlin") ?? .utc

  /// What a base says of its reading; nil where it refuses.
  private func read(_ source: EventSource, _ chunkBytes: Int) -> [Int]? {
    let settings = HistorySettings(timeZone: Self.zone, events: [source], badRowShare: 1)
    do throws(HistoriesError) {
      let base = try HistoryBase.read(settings, roles: [:], threads: 1, chunkBytes: chunkBytes)
      return [base.accountCount, base.intake.rows, base.intake.badRows]
    } catch {
      return nil
    }
  }

  private func compare(_ source: EventSource) {
    precondition(read(source, 5) == read(source, 1 << 16), "chunks of 5 give another base")
  }

  private func events(_ input: [UInt8], _ folder: FuzzFolder) {
    guard let form = input.first else { return }
    let formats: [TimeMapping.Format] =
      [.iso8601, .unix, .unixMilliseconds, .unixMicroseconds]
      + ["d.M.yyyy H:mm", "yyyyMMdd", "yyyy-MM-dd'T'HH:mm:ss.SSSZ"].compactMap {
        TimePattern($0).map { .pattern($0) }
      }
    let at = TimeMapping(column: "t", format: formats[Int(form) % formats.count])
    var source = EventSource(
      path: folder.write("fuzz.csv", Array("a,t,k,v,c,u\n".utf8) + input.dropFirst()), account: "a",
      at: at, knownAt: form & 64 == 0 ? nil : TimeMapping(column: "u"), kind: .column("k"),
      value: .column("v"), channel: .column("c"))
    source.onlyWhere = form & 128 == 0 ? nil : "c"
    compare(source)
  }

  private func times(_ input: [UInt8], _ folder: FuzzFolder) {
    let lines = input.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false)
    for line in input.split(separator: 0x0a).prefix(20) {
      guard let instant = Instant(iso8601: ArraySlice(line), zone: .utc) else { continue }
      let again = Instant(iso8601: Array(instant.description.utf8)[...], zone: nil)
      precondition(again == instant, "an instant is not read as it is written")
    }
    guard lines.count == 2, let pattern = TimePattern(String(decoding: lines[0], as: UTF8.self))
    else { return }
    var text = Array("a,t\n".utf8)
    for line in lines[1].split(separator: 0x0a).prefix(20) {
      text += Array("x,\"".utf8) + line.filter { $0 != 0x22 } + Array("\"\n".utf8)
    }
    compare(
      EventSource(
        path: folder.write("fuzz.csv", text), account: "a",
        at: TimeMapping(column: "t", format: .pattern(pattern)), kind: .constant("x")))
  }

  private func numbers(_ input: [UInt8], _ folder: FuzzFolder) {
    var text = Array("n\n".utf8)
    for line in input.split(separator: 0x0a).prefix(50) {
      text += [0x22] + line.filter { $0 != 0x22 } + [0x22, 0x0a]
    }
    guard let table = try? CSVTable(path: folder.write("fuzz.csv", text)) else { return }
    for row in 0..<table.rowCount {
      guard case .number(let number) = table.number(row, 0) else { continue }
      // The C library's reading of the same bytes, zero without a sign.
      let bytes = table.cell(row, 0).map { CChar(bitPattern: $0) } + [0]
      precondition(number == strtod(bytes, nil) + 0, "a number is not rounded correctly")
    }
  }

  private func project(_ input: [UInt8]) {
    do throws(HistoriesError) {
      guard let text = String(validating: input, as: UTF8.self) else {
        _ = try ProjectFile(path: "fuzz.toml", contents: Data(input), keys: [])
        return
      }
      let file = try ProjectFile(path: "fuzz.toml", text: text)
      _ = HistorySettings(project: file)
      try file.check()
    } catch {
      precondition(!error.description.isEmpty)
    }
  }

  private func tombstones(_ input: [UInt8], _ folder: FuzzFolder) {
    _ = folder.write(Tombstones.fileName, input)
    defer { folder.remove(Tombstones.fileName) }
    do throws(HistoriesError) {
      let file = try ProjectFile(path: folder.path + "/fuzz.toml", text: "")
      let erased = Tombstones(project: file)
      precondition(!erased.contains("nobody, ever"))
      try file.check()
    } catch {
      precondition(!error.description.isEmpty)
    }
  }

  private func proposal(_ input: [UInt8], _ folder: FuzzFolder) {
    let path = folder.write("fuzz.csv", input)
    guard
      let made = try? ProjectProposal(
        files: [path], folder: URL(fileURLWithPath: folder.path), threads: 1)
    else { return }
    do throws(HistoriesError) {
      let file = try ProjectFile(path: folder.path + "/fuzz.toml", text: made.text)
      _ = HistorySettings(project: file)
      // [feedback] and [training] are others' to decode.
      try file.check()
    } catch {
      preconditionFailure("what was proposed does not load: \(error)")
    }
  }
}

/// A folder for the files of one target's runs, each written over the one before.
final class FuzzFolder {
  let path: String

  init() {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("tacit-fuzz-\(getpid())-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of the file written.
  func write(_ name: String, _ bytes: [UInt8]) -> String {
    let file = path + "/" + name
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(descriptor >= 0, "the fuzzer's folder cannot be written")
    defer { close(descriptor) }
    let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
    precondition(written == bytes.count, "the fuzzer's folder is full")
    return file
  }

  func remove(_ name: String) { unlink(path + "/" + name) }
}

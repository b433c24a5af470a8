import Detraction
import Foundation
import TestSupport
import Testing

@Suite struct SealedFileTests {
  struct Note: Sealed, Equatable {
    static let format = "test-note"
    static let formatVersion = 2
    var name: String
    var numbers: [Double]
    var missing: Double?
  }

  static let note = Note(name: "a/b \"ü\"", numbers: [0.1, 1e-300, -0.0, 1 / 3], missing: nil)

  /// Writes `text`, or the sealed note when nil, and reads it back.
  private func read(_ text: String? = nil) throws -> Note {
    let folder = try temporaryFolder()
    let file = folder.appendingPathComponent("note.json")
    try (text.map { Data($0.utf8) } ?? (try SealedFile.bytes(Self.note).contents)).write(to: file)
    return try SealedFile.read(Note.self, path: file.path).body
  }

  private func sealed() throws -> String {
    String(decoding: try SealedFile.bytes(Self.note).contents, as: UTF8.self)
  }

  @Test func whatIsWrittenIsRead() throws { #expect(try read() == Self.note) }

  /// Every single byte that changes is noticed, whatever it becomes.
  @Test func anyFlippedBitIsRefused() throws {
    let whole = Array(try SealedFile.bytes(Self.note).contents)
    let folder = try temporaryFolder()
    let file = folder.appendingPathComponent("note.json")
    for place in whole.indices {
      for bit in [0, 3, 5] {
        var bytes = whole
        bytes[place] ^= 1 << UInt8(bit)
        try Data(bytes).write(to: file)
        #expect(throws: DetractionError.self, "byte \(place), bit \(bit)") {
          _ = try SealedFile.read(Note.self, path: file.path)
        }
      }
    }
  }

  @Test(arguments: [
    ("\"name\":", "\"more\":1,\"name\":", "unknown or repeated"),
    ("\"name\":", "\"name\":\"x\",\"name\":", "unknown or repeated"),
    ("\"name\":", "\"nome\":", "`body.name` is missing"),
    ("\"formatVersion\":2", "\"formatVersion\":3", "format version 3"),
    ("test-note", "test-nota", "expected format test-note"),
    ("[0.1", "[0.2", "changed after it was written"),
    ("[0.1", "[\"0.1\"", "`body.numbers"),
  ])
  func aChangeIsRefusedWithItsReason(_ from: String, _ to: String, _ reason: String) throws {
    let text = try sealed()
    try #require(text.contains(from), "\(text)")
    do {
      _ = try read(text.replacing(from, with: to))
      Issue.record("read in spite of \(to)")
    } catch let error as DetractionError {
      #expect(error.description.contains(reason), "\(error.description)")
      #expect(error.exitStatus == 65)
    }
  }
}

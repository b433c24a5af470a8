import Crypto
package import Foundation

/// The accounts that `tacit erase` erased: `erased.txt` beside the project file, a line each with the
/// SHA-256 (hex) of the bytes "tacit erase" and those of the id. The id itself does not stand there.
///
/// Whatever reads accounts leaves them out from then on. A line taken out of the file lets the account
/// come back, as a customer who was never known.
package struct Tombstones: Sendable, Equatable {
  package static let fileName = "erased.txt"

  /// A digest as four words.
  private var digests: Set<SIMD4<UInt64>> = []

  package init() {}

  /// Reads the file of a project; what is wrong with it is reported to the project, since a line that
  /// was passed over would bring somebody back.
  package init(project: ProjectFile) {
    let path = project.folder.appendingPathComponent(Self.fileName).path
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard let contents = FileManager.default.contents(atPath: path) else {
      project.root.report(nil, "\(path), which says who was erased, cannot be read")
      return
    }
    for (place, line) in contents.split(separator: 0x0a).enumerated() {
      guard let digest = Self.digest(line) else {
        project.root.report(
          nil,
          "\(path), entry \(place + 1): expected the 64 hexadecimal digits that `tacit erase` wrote: "
            + "restore the file, since it says who must not come back")
        continue
      }
      digests.insert(digest)
    }
  }

  package var isEmpty: Bool { digests.isEmpty }

  /// The digests as they stand in the file, sorted.
  package var hexadecimalDigests: [String] { digests.map(Self.text).sorted() }

  /// A digest of them all, whatever their order.
  var digest: String {
    hexadecimal(SHA256.hash(data: Data(hexadecimalDigests.joined(separator: "\n").utf8)))
  }

  /// O(bytes of the id).
  package func contains(_ id: UnsafeRawBufferPointer) -> Bool {
    !digests.isEmpty && digests.contains(Self.digest(of: id))
  }

  package func contains(_ id: String) -> Bool {
    var id = id
    return id.withUTF8 { contains(UnsafeRawBufferPointer($0)) }
  }

  /// Whether a row that could not be read names an erased account: as a whole field, quoted or not.
  func areNamed(inRow bytes: [UInt8]) -> Bool {
    if isEmpty { return false }
    let ends: Set<UInt8> = [0x2c, 0x3b, 0x09, 0x0a, 0x0d]
    for field in bytes.split(whereSeparator: ends.contains) {
      let bare = field.drop { $0 == 0x22 || $0 == 0x20 }
      let end = bare.lastIndex { $0 != 0x22 && $0 != 0x20 }.map { $0 + 1 } ?? bare.startIndex
      for candidate in [field, bare[..<end]]
      where candidate.withUnsafeBytes({ contains($0) }) { return true }
    }
    return false
  }

  /// Adds accounts to the file of a folder, so that they stand there after a loss of power; how many
  /// are new. Nothing is written where none is. Throws `output`.
  package mutating func add(_ accounts: [String], folder: URL) throws(HistoriesError) -> Int {
    let before = digests.count
    let file = folder.appendingPathComponent(Self.fileName)
    var lines = FileManager.default.contents(atPath: file.path) ?? Data()
    if let last = lines.last, last != 0x0a { lines.append(0x0a) }
    for account in accounts {
      let id = Array(account.utf8)
      let digest = id.withUnsafeBytes { Self.digest(of: $0) }
      guard digests.insert(digest).inserted else { continue }
      lines += Data((Self.text(of: digest) + "\n").utf8)
    }
    if digests.count == before { return 0 }
    let output = try OutputFile(path: file.path)
    try output.write([UInt8](lines))
    try output.commit()
    return digests.count - before
  }

  private static func digest(of id: UnsafeRawBufferPointer) -> SIMD4<UInt64> {
    var hash = SHA256()
    hash.update(data: Data("tacit erase".utf8))
    hash.update(bufferPointer: id)
    return hash.finalize().withUnsafeBytes { bytes in
      func word(_ place: Int) -> UInt64 {
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self))
      }
      return SIMD4(word(0), word(1), word(2), word(3))
    }
  }

  private static func text(of digest: SIMD4<UInt64>) -> String {
    (0..<4).map { place in
      let digits = String(digest[place], radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }.joined()
  }

  /// Nil where the line is no digest as `text` writes it.
  private static func digest(_ line: Data) -> SIMD4<UInt64>? {
    let digits = Array(line)
    let isHex = digits.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
    }
    guard digits.count == 64, isHex else { return nil }
    let words = (0..<4).compactMap { place in
      UInt64(String(decoding: digits[place * 16..<place * 16 + 16], as: UTF8.self), radix: 16)
    }
    return words.count == 4 ? SIMD4(words[0], words[1], words[2], words[3]) : nil
  }
}

import Histories
import Foundation

/// The program's version, in the form that its releases carry.
package let tacitVersion = "0.1.0"

/// What a version needs to be made again to the bit: the same program, project file and data, on the
/// same kind of processor.
package struct VersionManifest: Codable, Sendable, Equatable {
  package static let name = "manifest.json"

  /// The program that trained it.
  package var tacit: String
  /// Digest of the model, of which the version's name holds the first 8 digits.
  package var modelDigest: String
  package var asOf: String
  package var timeZone: String
  /// SHA-256 over all that training saw, row by row; and of the project file's bytes.
  package var dataDigest: String
  package var projectDigest: String
  package var processor: String
  /// SHA-256 of each file written with the model. Erasure may later change the sidecars, never the
  /// model.
  package var files: [String: String]

  init(_ model: Model, digest: String, files: [(name: String, contents: Data)]) {
    tacit = tacitVersion
    modelDigest = digest
    asOf = model.asOf.description
    timeZone = model.timeZone
    dataDigest = model.dataDigest
    projectDigest = model.projectDigest
    processor = model.processor
    self.files = Dictionary(
      files.map { ($0.name, sha256($0.contents)) }, uniquingKeysWith: { _, last in last })
  }

  func contents() throws(DetractionError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try translating { try encoder.encode(self) + Data("\n".utf8) }
  }

  /// Nil where there is no such file. Throws `modelFile` for one that is none.
  static func read(_ file: URL) throws(DetractionError) -> VersionManifest? {
    guard let contents = FileManager.default.contents(atPath: file.path) else { return nil }
    do { return try JSONDecoder().decode(VersionManifest.self, from: contents) } catch {
      throw .modelFile("\(file.path): no manifest of a version; restore it or delete it")
    }
  }
}

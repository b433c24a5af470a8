package import Foundation
import Crypto
import Histories

/// What is written as JSON and believed again only if not one byte has changed.
package protocol Sealed: Codable, Sendable {
  /// The name of the format, and the newest version of it that this program reads.
  static var format: String { get }
  static var formatVersion: Int { get }
}

/// A JSON file in one canonical spelling (keys in byte order, numbers in the shortest form that
/// reads back exactly), with the SHA-256 of that spelling in it.
///
/// Because there is one spelling, reading is strict for free: what was decoded is written out
/// again, and a key unknown or repeated, or a number in another form, shows as a difference.
package enum SealedFile {
  private struct Envelope<Body: Sealed>: Codable {
    var format: String
    var formatVersion: Int
    var digest: String
    var body: Body
  }

  private struct Header: Codable {
    var format: String
    var formatVersion: Int
  }

  /// The bytes of `body` under seal, and their digest (64 hexadecimal digits).
  package static func bytes<Body: Sealed>(_ body: Body) throws(DetractionError)
    -> (contents: Data, digest: String)
  {
    var envelope = Envelope(
      format: Body.format, formatVersion: Body.formatVersion, digest: "", body: body)
    let digest = sha256(try encode(envelope))
    envelope.digest = digest
    return (try encode(envelope), digest)
  }

  /// Reads `path` and refuses, with the reason, everything that `bytes` did not write.
  package static func read<Body: Sealed>(_ type: Body.Type, path: String) throws(DetractionError)
    -> (body: Body, digest: String)
  {
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw .inputMissing("no file at \(path)")
    }
    let header: Header
    do { header = try JSONDecoder().decode(Header.self, from: contents) } catch {
      throw .modelFile("\(path): expected a \(Body.format) file, found none of its header")
    }
    guard header.format == Body.format else {
      throw .modelFile("\(path): expected format \(Body.format), found \(header.format)")
    }
    guard header.formatVersion == Body.formatVersion else {
      throw .modelFile(
        "\(path): format version \(header.formatVersion), this program reads version "
          + "\(Body.formatVersion): use the program that wrote it, or train anew")
    }
    var envelope: Envelope<Body>
    do { envelope = try JSONDecoder().decode(Envelope<Body>.self, from: contents) } catch {
      throw .modelFile("\(path): \(describe(error))")
    }
    let digest = envelope.digest
    let canonical = try encode(envelope)
    guard canonical == contents else {
      throw .modelFile(
        "\(path): a key is unknown or repeated, or a value is spelt in another way than this "
          + "program writes it (first difference at byte "
          + "\(firstDifference(canonical, contents))): the file was edited, restore it")
    }
    envelope.digest = ""
    let found = sha256(try encode(envelope))
    guard found == digest else {
      throw .modelFile(
        "\(path): its contents have digest \(found.prefix(8))…, the file says "
          + "\(digest.prefix(8))…: it was changed after it was written, restore it")
    }
    return (envelope.body, digest)
  }

  private static func encode(_ value: some Encodable) throws(DetractionError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return try encoder.encode(value) + Data("\n".utf8) } catch {
      throw .bug("cannot encode as JSON: \(describe(error))")
    }
  }

  private static func firstDifference(_ left: Data, _ right: Data) -> Int {
    zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      ?? min(left.count, right.count)
  }

  private static func describe(_ error: any Error) -> String {
    func place(_ context: DecodingError.Context, _ last: String? = nil) -> String {
      (context.codingPath.map(\.stringValue) + (last.map { [$0] } ?? [])).joined(separator: ".")
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return "`\(place(context, key.stringValue))` is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      return "`\(place(context))` has another type than expected"
    case DecodingError.dataCorrupted(let context):
      return context.codingPath.isEmpty
        ? "not JSON" : "`\(place(context))` cannot be read: \(context.debugDescription)"
    default:
      return "\(error)"
    }
  }
}

/// SHA-256 as 64 hexadecimal digits.
package func sha256(_ data: Data) -> String { hexadecimal(SHA256.hash(data: data)) }

func hexadecimal(_ digest: SHA256.Digest) -> String {
  digest.map { padded(String($0, radix: 16)) }.joined()
}

private func padded(_ digits: String) -> String { digits.utf8.count < 2 ? "0" + digits : digits }

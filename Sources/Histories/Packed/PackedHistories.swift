import Crypto
package import Foundation

/// The packed histories of a project: a folder of packed files, a cache of the inputs.
///
/// Nothing else says what is in it: whoever reads looks at each file's contents and takes those whose
/// inputs are still what they were. So files may be added, taken away or damaged at any time, by several
/// processes at once, and nothing but time is lost.
package struct PackedHistories {
  /// Beside the project file.
  static let folderName = "packed"
  private static let format = 2

  let folder: String
  /// Those that can be used, and no input twice among them.
  private(set) var files: [PackedFile] = []
  /// Files of the folder that nothing needs any more.
  private(set) var obsolete: [String] = []

  /// Looks through the folder; one that is not there is empty.
  ///
  /// - Parameters:
  ///   - inputs: by fingerprint, the inputs as they are now.
  ///   - ignoring: paths of files that proved damaged.
  init(folder: String, inputs: [String: [FileIdentity]], ignoring: Set<String>) {
    self.folder = folder
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    var found: [PackedFile] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    where name.hasSuffix(".pack") {
      let path = folder + "/" + name
      if !ignoring.contains(path), let file = PackedFile(path: path),
        Self.isCurrent(file, inputs)
      {
        found.append(file)
      } else {
        obsolete.append(path)
      }
    }
    take(found)
  }

  private static func isCurrent(_ file: PackedFile, _ inputs: [String: [FileIdentity]]) -> Bool {
    guard let now = inputs[file.contents.fingerprint] else { return false }
    return file.contents.inputs.allSatisfy { now.contains($0.identity) }
  }

  /// Takes whole inputs only, each once: those packed together with most others first.
  private mutating func take(_ found: [PackedFile]) {
    struct Key: Hashable {
      var fingerprint: String
      var path: String
    }
    func keys(_ file: PackedFile) -> [Key] {
      file.contents.inputs.map {
        Key(fingerprint: file.contents.fingerprint, path: $0.identity.path)
      }
    }
    // Slices stand or fall together; whoever wrote them chose one number of partitions.
    var groups: [[PackedFile]] = []
    var sliced: [Key: [PackedFile]] = [:]
    for file in found {
      if file.contents.slice == 0, file.contents.isLast {
        groups.append([file])
      } else if let key = keys(file).first {
        sliced[key, default: []].append(file)
      }
    }
    for (_, slices) in sliced.sorted(by: { $0.value[0].path < $1.value[0].path }) {
      let order = slices.sorted { $0.contents.slice < $1.contents.slice }
      let isWhole =
        order.enumerated().allSatisfy { $0.offset == $0.element.contents.slice }
        && order.dropLast().allSatisfy { !$0.contents.isLast }
        && order[order.count - 1].contents.isLast && order[0].contents.rows.lowerBound == 0
        && zip(order, order.dropFirst()).allSatisfy {
          $0.contents.rows.upperBound == $1.contents.rows.lowerBound
        }
      if isWhole { groups.append(order) } else { obsolete += order.map(\.path) }
    }
    groups.sort {
      ($1[0].contents.inputs.count, $0[0].path) < ($0[0].contents.inputs.count, $1[0].path)
    }
    // One number of partitions: that of the most bytes.
    var bytesOf: [Int: Int] = [:]
    for file in found { bytesOf[file.partitions, default: 0] += file.bytes }
    let partitions = bytesOf.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
    var taken: Set<Key> = []
    for group in groups {
      let inputs = keys(group[0])
      guard group[0].partitions == partitions, !inputs.contains(where: taken.contains) else {
        obsolete += group.map(\.path)
        continue
      }
      taken.formUnion(inputs)
      files += group
    }
  }

  /// How many partitions the files have; nil without any.
  var partitions: Int? { files.first?.partitions }

  /// What is packed of an input, whole: its slices' contents.
  func packed(_ identity: FileIdentity, _ fingerprint: String) -> [PackedInput] {
    files.filter { $0.contents.fingerprint == fingerprint }
      .flatMap(\.contents.inputs).filter { $0.identity == identity }
  }

  /// Leaves the inputs whose bytes are no longer those that were packed: `--verify`.
  mutating func verify() throws(HistoriesError) {
    var changed: Set<String> = []
    for input in Set(files.flatMap { $0.contents.inputs.map(\.identity.path) }) {
      let sums = Set(
        files.flatMap(\.contents.inputs).filter { $0.identity.path == input }.map(\.sha256))
      if sums != [try sha256(ofFile: input)] { changed.insert(input) }
    }
    let bad = files.filter { file in
      file.contents.inputs.contains { changed.contains($0.identity.path) }
    }
    obsolete += bad.map(\.path)
    let paths = Set(bad.map(\.path))
    files.removeAll { paths.contains($0.path) }
  }

  /// Takes a file that was just written, maybe in the place of one that was of no use.
  mutating func add(_ file: PackedFile) {
    files.append(file)
    obsolete.removeAll { $0 == file.path }
  }

  /// Forgets files: they are no longer read, and go.
  mutating func drop(_ dropped: [PackedFile]) {
    let paths = Set(dropped.map(\.path))
    files.removeAll { paths.contains($0.path) }
    obsolete += dropped.map(\.path)
  }

  /// Removes what nothing needs. What cannot be removed is in nobody's way.
  func removeObsolete() { for path in obsolete { unlink(path) } }

  /// The name of the file that holds these inputs: whoever packs the same writes the same name.
  func path(of contents: PackedContents, partitions: Int) -> String {
    var hash = SHA256()
    hash.update(data: Data(contents.fingerprint.utf8))
    for input in contents.inputs {
      hash.update(data: Data("\(input.identity)".utf8))
    }
    hash.update(data: Data("\(contents.slice) \(partitions)".utf8))
    let name = hexadecimal(hash.finalize().prefix(8))
    return "\(folder)/\(name).pack"
  }

  /// What the events of a table's files depend on beside their bytes: its mapping, the zone of
  /// local times, who is erased, and the format of packed files.
  static func fingerprint(
    _ source: EventSource, table: Int, zone: LocalTime, erased: Tombstones
  ) -> String {
    var mapping = source
    mapping.path = ""
    mapping.query = nil
    let text = "\(format) \(table) \(zone.identifier) \(mapping) \(erased.digest)"
    return hexadecimal(SHA256.hash(data: Data(text.utf8)))
  }
}

extension PackedHistories {
  /// What `extend` made.
  package struct Extended: Sendable {
    package let folder: String
    package let files: Int
    package let bytes: Int
    package let intake: IntakeReport
  }

  /// Reads what the packed histories lack, and adds it to them.
  ///
  /// - Parameter verifying: digests every input first, and packs anew what is not what it was.
  /// - Throws: what `HistoryBase.read` does. O(new events), and once in a while those of some files.
  package static func extend(
    _ settings: HistorySettings, threads: Int, verifying: Bool, quarantine: URL?,
    memory: Int = EventIntake.defaultMemory, progress: (@Sendable (Int, Int) -> Void)?
  ) throws(HistoriesError) -> Extended {
    try HistoryIntake.reading(
      settings, roles: [:], threads: threads, quarantine: quarantine,
      packing: .extend(verifying: verifying), memory: memory, progress: progress
    ) { intake in
      let files = intake.stored.files
      return Extended(
        folder: settings.packed ?? "", files: files.count,
        bytes: files.reduce(0) { $0 + $1.bytes }, intake: intake.report)
    }
  }

  /// Removes every packed file of a folder: they hold what erased accounts did, until then. Those that
  /// cannot be removed are given back.
  package static func remove(folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().filter { $0.hasSuffix(".pack") }.map { folder + "/" + $0 }
      .filter { unlink($0) != 0 }
  }
}

/// SHA-256 of a file's bytes, hex. Throws `inputMissing`.
func sha256(ofFile path: String) throws(HistoriesError) -> String {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .inputMissing("\(path): \(String(cString: strerror(errno)))") }
  defer { close(descriptor) }
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
  defer { buffer.deallocate() }
  var hash = SHA256()
  while true {
    let got = read(descriptor, buffer.baseAddress, buffer.count)
    if got < 0, errno == EINTR { continue }
    guard got >= 0 else { throw .inputMissing("\(path): \(String(cString: strerror(errno)))") }
    if got == 0 { break }
    hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<got]))
  }
  return hexadecimal(hash.finalize())
}

/// Bytes as lower-case hexadecimal digits.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

package import Foundation
package import Histories

/// A known detractor that training saw, by account and the snapshot it was seen at.
package struct KnownDetractor: Sendable, Equatable {
  package var account: String
  package var asOf: Instant

  package init(account: String, asOf: Instant) {
    self.account = account
    self.asOf = asOf
  }
}

/// A model as it stands on disk.
package struct ModelVersion: Sendable {
  /// `<as-of>-<8 hex of its digest>`.
  package var version: String
  package var model: Model
  package var knownDetractors: [KnownDetractor]

  package init(version: String, model: Model, knownDetractors: [KnownDetractor]) {
    self.version = version
    self.model = model
    self.knownDetractors = knownDetractors
  }
}

/// `models/<name>/`: immutable versions, and a text file that names the champion.
package struct ModelStore: Sendable {
  package let folder: URL

  /// The models of a project, beside its project file. The name is `[model] name`, else that of
  /// the project's folder.
  package init(project: ProjectFile) {
    let section = project.root.table("model")
    section?.allow(["name"])
    let name = section?.string("name")
    if let name, name.isEmpty || name.hasPrefix(".") || name.utf8.contains(UInt8(ascii: "/")) {
      section?.report("name", "`name` names a folder: expected a text without `/`, not `\(name)`")
    }
    let parent = project.folder.standardizedFileURL
    folder = parent.appendingPathComponent("models")
      .appendingPathComponent(name ?? parent.lastPathComponent)
  }

  package init(folder: URL) { self.folder = folder }

  package var name: String { folder.lastPathComponent }
  private var championFile: URL { folder.appendingPathComponent("champion") }

  /// Writes a version and, when there is no champion yet, makes it that. A version that is there
  /// already stays as it is: its name holds its digest.
  package func publish(_ result: Trainer.Result) throws(DetractionError)
    -> (version: String, isChampion: Bool)
  {
    let sealed = try SealedFile.bytes(result.model)
    let zone = LocalTime(identifier: result.model.timeZone) ?? .utc
    let version = "\(dateName(result.model.asOf, zone))-\(sealed.digest.prefix(8))"
    let place = folder.appendingPathComponent(version)
    let manager = FileManager.default
    do {
      if !manager.fileExists(atPath: place.path) {
        let partial = folder.appendingPathComponent(".\(version).\(getpid()).partial")
        // Gone by its move to the place, or left by a failure.
        defer { try? manager.removeItem(at: partial) }
        try? manager.removeItem(at: partial)
        try manager.createDirectory(at: partial, withIntermediateDirectories: true)
        var known = Data("account_id,as_of\n".utf8)
        for detractor in result.knownDetractors {
          known += Data("\(csvField(detractor.account)),\(detractor.asOf)\n".utf8)
        }
        try OutputFile.write(known, to: partial.appendingPathComponent("known-detractors.csv"))
        try OutputFile.write(sealed.contents, to: partial.appendingPathComponent("model.json"))
        // Somebody else may have published the same version meanwhile: the same bytes.
        do { try manager.moveItem(at: partial, to: place) } catch {
          guard manager.fileExists(atPath: place.path) else { throw error }
        }
      }
      if !manager.fileExists(atPath: championFile.path) {
        try OutputFile.write(Data("\(version)\n".utf8), to: championFile)
      }
    } catch let error as HistoriesError {
      throw .histories(error)
    } catch {
      throw .output("cannot write \(place.path): \(error.localizedDescription)")
    }
    return (version, try championVersion() == version)
  }

  /// The champion's version. Throws `insufficient` (3) when there is none, `modelFile` where the
  /// file names something that is not there.
  package func championVersion() throws(DetractionError) -> String {
    guard let contents = FileManager.default.contents(atPath: championFile.path),
      let text = String(validating: contents, as: UTF8.self)
    else {
      throw .insufficient(
        "no champion model in \(folder.path): train one with `tacit train --as-of DATE`")
    }
    let version = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard isVersion(version) else {
      throw .modelFile(
        "\(championFile.path) names no version that stands beside it: write one of the folders "
          + "of \(folder.path) into it, or delete it and train")
    }
    return version
  }

  /// Whether a folder of that name stands in this one.
  private func isVersion(_ version: String) -> Bool {
    guard !version.isEmpty, !version.hasPrefix("."), !version.utf8.contains(UInt8(ascii: "/"))
    else { return false }
    return FileManager.default.fileExists(atPath: folder.appendingPathComponent(version).path)
  }

  /// A version (the champion when nil), its seal and golden vectors checked.
  package func load(_ version: String? = nil) throws(DetractionError) -> ModelVersion {
    let version = if let version { version } else { try championVersion() }
    guard isVersion(version) else {
      throw .inputMissing("no version \(version) in \(folder.path): expected one of its folders")
    }
    let place = folder.appendingPathComponent(version)
    let path = place.appendingPathComponent("model.json").path
    let (model, digest): (Model, String) = try SealedFile.read(Model.self, path: path)
    guard version.hasSuffix("-\(digest.prefix(8))") else {
      throw .modelFile("\(path): digest \(digest.prefix(8))… is not that of version \(version)")
    }
    try model.check(path: path)
    return ModelVersion(
      version: version, model: model,
      knownDetractors: try knownDetractors(place.appendingPathComponent("known-detractors.csv")))
  }

  private func knownDetractors(_ file: URL) throws(DetractionError) -> [KnownDetractor] {
    do {
      let table = try CSVTable(path: file.path)
      let account = try table.column("account_id", for: "known detractors")
      let asOf = try table.column("as_of", for: "known detractors")
      return try (0..<table.rowCount).map { row in
        guard let id = table.text(row, account),
          let instant = Instant(iso8601: table.cell(row, asOf), zone: nil)
        else {
          throw HistoriesError.dataContract(
            "\(file.path), line \(table.line(row)): expected an account id and an instant")
        }
        return KnownDetractor(account: id, asOf: instant)
      }
    } catch let error as HistoriesError {
      throw .histories(error)
    } catch {
      throw .bug("\(error)")
    }
  }
}

extension OutputFile {
  /// Writes a whole file at once.
  package static func write(_ contents: Data, to file: URL) throws(HistoriesError) {
    let output = try OutputFile(path: file.path)
    try output.write([UInt8](contents))
    try output.commit()
  }
}

/// A CSV field, quoted where RFC 4180 asks for it.
package func csvField(_ text: String) -> String {
  var bytes: [UInt8] = []
  CSVText.append(text.utf8, to: &bytes)
  return String(decoding: bytes, as: UTF8.self)
}

/// An as-of date as a file name: the local date, with the time only where it is not midnight.
package func dateName(_ instant: Instant, _ zone: LocalTime) -> String {
  let date = zone.date(of: instant)
  if zone.midnight(date: date) == instant {
    let civil = civilDate(daysSinceEpoch: date)
    return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
  }
  return String(instant.description.unicodeScalars.filter { $0 != ":" }.map(Character.init))
}

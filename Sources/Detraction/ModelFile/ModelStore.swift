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
  /// Empty unless asked for, and in versions that keep none.
  package var heldOut: [HeldOutRow]

  package init(
    version: String, model: Model, knownDetractors: [KnownDetractor], heldOut: [HeldOutRow] = []
  ) {
    self.version = version
    self.model = model
    self.knownDetractors = knownDetractors
    self.heldOut = heldOut
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
  private var champions: ChampionHistory { ChampionHistory(folder: folder) }

  /// Where a version stands.
  package func place(_ version: String) -> URL { folder.appendingPathComponent(version) }

  /// Writes a version and, when there is no champion yet and its grade is not D, makes it that. A
  /// version that is there already stays as it is: its name holds its digest.
  package func publish(_ result: Trainer.Result) throws(DetractionError)
    -> (version: String, isChampion: Bool)
  {
    let sealed = try SealedFile.bytes(result.model)
    let zone = LocalTime(identifier: result.model.timeZone) ?? .utc
    let version = "\(dateName(result.model.asOf, zone))-\(sealed.digest.prefix(8))"
    let place = place(version)
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
        var files: [(name: String, contents: Data)] = [
          ("known-detractors.csv", known), ("model.json", sealed.contents),
        ]
        if !result.heldOut.isEmpty {
          files.append((HeldOutFile.name, HeldOutFile.contents(result.heldOut)))
        }
        for (name, contents) in files {
          try OutputFile.write(contents, to: partial.appendingPathComponent(name))
        }
        try OutputFile.write(
          try VersionManifest(result.model, digest: sealed.digest, files: files).contents(),
          to: partial.appendingPathComponent(VersionManifest.name))
        // Somebody else may have published the same version meanwhile: the same bytes.
        do { try manager.moveItem(at: partial, to: place) } catch {
          guard manager.fileExists(atPath: place.path) else { throw error }
        }
      }
    } catch let error as HistoriesError {
      throw .histories(error)
    } catch let error as DetractionError {
      throw error
    } catch {
      throw .output("cannot write \(place.path): \(error.localizedDescription)")
    }
    if champions.champion() == nil, result.model.grading?.grade != .D {
      // As of the training, not by the clock: the same training gives the same bytes.
      try champions.enact(
        ChampionChange(
          action: .first, at: result.model.asOf, by: "train", from: nil, to: version,
          grade: result.model.grading?.grade.rawValue))
    }
    return (version, champions.champion() == version)
  }

  /// Whether there is a champion file, whatever it names.
  package var hasChampion: Bool { champions.champion() != nil }

  /// The champion's version. Throws `insufficient` (3) when there is none, `modelFile` where the
  /// file names something that is not there.
  package func championVersion() throws(DetractionError) -> String {
    guard let version = champions.champion() else {
      throw .insufficient(
        "no champion model in \(folder.path): train one with `tacit train --as-of DATE`"
          + (try versions().isEmpty
            ? "" : ", or see `tacit models list` for why those that stand there are none"))
    }
    guard isVersion(version) else {
      throw .modelFile(
        "\(champions.championFile.path) names no version that stands beside it: write one of the folders "
          + "of \(folder.path) into it, or delete it and train")
    }
    return version
  }

  /// Whether a folder of that name stands in this one.
  private func isVersion(_ version: String) -> Bool {
    guard !version.isEmpty, !version.hasPrefix("."), !version.utf8.contains(UInt8(ascii: "/"))
    else { return false }
    return FileManager.default.fileExists(
      atPath: place(version).appendingPathComponent("model.json").path)
  }

  /// The names of all versions, in the order of their bytes, which is that of their as-of dates.
  package func versions() throws(DetractionError) -> [String] {
    let manager = FileManager.default
    guard manager.fileExists(atPath: folder.path) else { return [] }
    do {
      return try manager.contentsOfDirectory(atPath: folder.path).filter(isVersion)
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw .inputMissing("\(folder.path) cannot be listed: \(error.localizedDescription)")
    }
  }

  /// The one version whose name is or starts with `text`, or the champion for "champion". Throws
  /// `inputMissing` for none and for several.
  package func version(named text: String) throws(DetractionError) -> String {
    if text == "champion" { return try championVersion() }
    if isVersion(text) { return text }
    let all = try versions()
    let found = all.filter { !text.isEmpty && $0.utf8.starts(with: text.utf8) }
    if found.count == 1 { return found[0] }
    throw .inputMissing(
      found.isEmpty
        ? "no version \(text) in \(folder.path): it has "
          + (all.isEmpty ? "none" : all.joined(separator: ", "))
        : "\(text) is the beginning of \(found.joined(separator: ", ")): write more of it")
  }

  /// How the champions came and went, oldest first.
  package func history() throws(DetractionError) -> [ChampionChange] { try champions.changes() }

  /// The version that a rollback leads to. Throws `insufficient` (3) when none is known before.
  package func rollbackTarget() throws(DetractionError) -> String {
    let champion = try championVersion()
    guard let target = ChampionHistory.previous(try champions.changes()) else {
      throw .insufficient(
        "no champion before \(champion) in the history of \(folder.path): promote another version")
    }
    guard isVersion(target) else {
      throw .inputMissing("the champion before, \(target), no longer stands in \(folder.path)")
    }
    return target
  }

  /// Makes a version the champion and writes it to the history. `change.from` is the champion that the
  /// decision was made against. Throws `locked` (75) when that changed, or another command is at it.
  package func enact(_ change: ChampionChange) throws(DetractionError) {
    try champions.enact(change)
  }

  /// A version (the champion when nil), its seal and golden vectors checked; `heldOut`: with its
  /// held-out rows.
  package func load(
    _ version: String? = nil, heldOut: Bool = false
  ) throws(DetractionError) -> ModelVersion {
    let version = if let version { version } else { try championVersion() }
    guard isVersion(version) else {
      throw .inputMissing("no version \(version) in \(folder.path): expected one of its folders")
    }
    let place = place(version)
    let path = place.appendingPathComponent("model.json").path
    let (model, digest): (Model, String) = try SealedFile.read(Model.self, path: path)
    guard version.hasSuffix("-\(digest.prefix(8))") else {
      throw .modelFile("\(path): digest \(digest.prefix(8))… is not that of version \(version)")
    }
    try model.check(path: path)
    return ModelVersion(
      version: version, model: model,
      knownDetractors: try knownDetractors(place.appendingPathComponent("known-detractors.csv")),
      heldOut: heldOut ? try HeldOutFile.read(place.appendingPathComponent(HeldOutFile.name)) : [])
  }

  /// What a version needs to be made again; nil for one from before there were manifests.
  package func manifest(_ version: String) throws(DetractionError) -> VersionManifest? {
    try VersionManifest.read(place(version).appendingPathComponent(VersionManifest.name))
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

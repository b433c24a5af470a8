/// What was read: a line for each file, and the first rows that could not be used.
package struct IntakeReport: Sendable {
  package struct File: Sendable, Equatable {
    package var path: String
    /// `events`, `accounts` or `contacts`.
    package var section: String
    /// Rows below the header, unusable ones among them, and bytes on disk.
    package var rows: Int
    package var bytes: Int
    package var badRows: Int
    /// Which `[[events]]` table it belongs to, from 1; 0 for the other sections.
    package var table = 0
    /// Wall time from opening it to its last row. It changes no result.
    package var seconds = 0.0
    /// The file before it with the same contents, for whose sake it was passed over.
    package var sameAs: String?

    /// Nil where it was too short to tell.
    package var rowsPerSecond: Double? { seconds > 0 ? Double(rows) / seconds : nil }
  }

  /// A row that could not be used. Never its contents.
  package struct BadRow: Sendable, Equatable {
    package var file: String
    /// The line on which the row starts, from 1.
    package var line: Int
    package var what: String
  }

  package var files: [File] = []
  /// When the events of each `[[events]]` table became known.
  package var volumes: [TableVolume] = []
  /// The first unusable rows in the order of the files and lines, at most ten.
  package var examples: [BadRow] = []
  /// Where the unusable rows were written, if there were any and a place was given.
  package var quarantine: String?

  /// Warnings: kinds that the project file names and no event has, contacts of unknown accounts.
  package var unmet: [String] = []
  /// Accounts that were met and left out, since they are erased.
  package var erasedAccounts = 0
  /// Files of events that were not read, since the packed histories have them.
  package var packedFiles = 0
  /// Events left out, since one with the same id is there.
  package var repeats = 0

  package var rows: Int { files.reduce(0) { $0 + $1.rows } }
  package var bytes: Int { files.reduce(0) { $0 + $1.bytes } }
  package var badRows: Int { files.reduce(0) { $0 + $1.badRows } }
}

extension IntakeReport {
  /// Adds files of events that were not read, for the sake of earlier ones with the same contents; those
  /// of a table stay in the order of their paths. That two of them have no rows is nothing to be said.
  mutating func passOver(_ repeated: [(table: Int, path: String, earlier: String)]) {
    guard !repeated.isEmpty else { return }
    for file in repeated {
      let hasRows = files.contains {
        $0.table == file.table && $0.path == file.earlier && $0.rows > 0
      }
      files.append(
        File(
          path: file.path, section: "events", rows: 0, bytes: 0, badRows: 0, table: file.table,
          sameAs: hasRows ? file.earlier : nil))
    }
    files.sort { a, b in
      a.table != b.table
        ? a.table < b.table : a.path.utf8.lexicographicallyPrecedes(b.path.utf8)
    }
  }

  /// The report in lines for people: a table of what was read, unusable rows by place, where they
  /// were put, files passed over, warnings.
  package var lines: [String] {
    var lines = ReadTable(files).lines
    lines += examples.map { "  \($0.file), line \($0.line): \($0.what)" }
    if !examples.isEmpty, badRows > examples.count {
      lines.append("  … and \(badRows - examples.count) more")
    }
    let repeated = files.filter { $0.sameAs != nil }
    for file in repeated.prefix(10) {
      lines.append("  \(file.path) was passed over: the same bytes as \(file.sameAs ?? "")")
    }
    if repeated.count > 10 { lines.append("  … and \(repeated.count - 10) more such files") }
    if erasedAccounts > 0 {
      lines.append(
        "  \(erasedAccounts) erased account\(erasedAccounts == 1 ? "" : "s") left out")
    }
    if repeats > 0 {
      lines.append(
        "  \(repeats) event\(repeats == 1 ? "" : "s") left out: another with the same id is there")
    }
    if packedFiles > 0 {
      lines.append("  \(packedFiles) of the files were packed and not read again")
    }
    if let quarantine { lines.append("  unusable rows are in \(quarantine)") }
    return lines + unmet.map { "warning: \($0)" }
  }
}

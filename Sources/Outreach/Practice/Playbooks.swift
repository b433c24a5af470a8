import Foundation
import Histories

/// The team's playbooks: those of a folder, or the built-in ones where there is no folder.
package struct Playbooks: Sendable, Equatable {
  /// In the order of their names' bytes.
  package var all: [Playbook] = []
  var common = PlaybookWords()
  /// Where they can be edited; nil for the built-in ones.
  package var folder: String?

  private init() {}

  /// The built-in ones for a team's causes.
  init(usualFor practice: Practice) {
    self.init()
    var problems: [String] = []
    read(UsualPlaybooks.files(practice), practice, &problems)
    precondition(problems.isEmpty, "the built-in playbooks are whole: \(problems)")
  }

  /// Those of a folder; what is wrong is reported to the project file, each with its file and line.
  init(folder: String, _ practice: Practice, project: ProjectFile) {
    self.init()
    self.folder = folder
    var problems: [String] = []
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { $0.hasSuffix(".toml") && !$0.hasPrefix(".") }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      if names.isEmpty {
        self = Playbooks(usualFor: practice)
        return
      }
      read(
        try names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))) },
        practice, &problems)
    } catch { problems.append("cannot be read: \(error.localizedDescription)") }
    let place = URL(fileURLWithPath: folder).lastPathComponent
    for problem in problems { project.root.report(nil, "\(place)/\(problem)") }
  }

  private mutating func read(
    _ files: [(name: String, contents: Data)], _ practice: Practice, _ problems: inout [String]
  ) {
    for file in files {
      var found: [String] = []
      if let book = Playbook(
        file: file.name, contents: file.contents, practice, &common, &found)
      {
        all.append(book)
      }
      problems += found.map { "\(file.name): \($0)" }
    }
    for (place, book) in all.enumerated() {
      for other in all[..<place] where other.ties(with: book) {
        problems.append(
          "\(other.name).toml and \(book.name).toml fit the same customers equally well: give one "
            + "of them a further condition, or `by_name = true`")
      }
    }
    guard problems.isEmpty else { return }
    for (isSilent, form, who) in [
      (false, "\"voiced\"", "spoke"), (true, "[\"predicted\", \"exploration\"]", "have not spoken"),
    ]
    where !all.contains(where: {
      $0.isSilent == isSilent && $0.conditions.isEmpty && !$0.byName
    }) {
      problems.append(
        ": no playbook fits every customer who \(who == "spoke" ? who : "has not spoken"): one file needs "
          + "form = \(form) and no further condition")
    }
  }

  /// The most specific that fits a case: every case has one.
  func choice(for open: Case, _ practice: Practice) -> Playbook? {
    all.filter { !$0.byName && $0.fits(open, practice) }
      .max { $1.comesBefore($0) }
  }

  package func named(_ name: String) -> Playbook? {
    all.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// Writes the built-in playbooks into a folder, and makes it.
  /// - Returns: the names of the files.
  /// - Throws: `.refused` where a file of one of the names stands there already: nothing is
  ///   written then; `.unusable` where the folder cannot be written.
  package static func write(
    to folder: String, _ practice: Practice
  ) throws(OutreachError) -> [String] {
    let files = UsualPlaybooks.files(practice)
    if let there = files.first(where: {
      FileManager.default.fileExists(atPath: "\(folder)/\($0.name)")
    }) {
      throw .refused(
        "\(folder)/\(there.name) is there already: nothing is written over. Move the folder away "
          + "to begin anew")
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for file in files {
        try file.contents.write(
          to: URL(fileURLWithPath: "\(folder)/\(file.name)"), options: .withoutOverwriting)
      }
    } catch { throw .unusable("\(folder) cannot be written: \(error.localizedDescription)") }
    return files.map(\.name)
  }
}

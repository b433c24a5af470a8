import ArgumentParser
import Detraction
import Foundation
import Histories

/// `tacit pack`: builds or extends the packed histories.
struct PackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Keep the histories ready, so that a night reads only what is new.",
    discussion: """
      Files of events are read once and kept beside the project file, in the folder packed/, divided by \
      account and sorted by time. Every command reads that in their place; `nightly` extends it by \
      itself. What comes out is the same to the bit with it and without it.

      An input is known by path, size, modification time and inode. One that changed is packed anew, \
      with the few that were packed together with it; --verify looks at the bytes instead. Delete the folder \
      whenever you like: the inputs are the truth. Queries are asked every time, since nobody knows what \
      they will answer.

      Try:
        tacit pack
        tacit pack --verify
      """)

  @OptionGroup var options: ProjectOptions

  @Flag(help: "Digest every input, and pack anew those that are not what they were.")
  var verify = false

  private struct Report: Encodable {
    var folder: String
    var files: Int
    var bytes: Int
    var inputs: Int
    var inputsRead: Int
    var rows: Int
    var seconds: Double
  }

  func run() throws {
    let session = try Session(options)
    if let packed = session.histories.packed { removeLeftovers(in: URL(filePath: packed)) }
    var clock = PhaseClock()
    let progress = Progress(options, "packing")
    let packed = try PackedHistories.extend(
      session.histories, threads: options.threadCount, verifying: verify,
      quarantine: session.quarantine, progress: { progress.report($0, $1) })
    progress.done()
    let seconds = clock.lap()
    for line in packed.intake.lines { options.say(line) }
    let inputs = packed.intake.files.count { $0.section == "events" }
    let report = Report(
      folder: packed.folder, files: packed.files, bytes: packed.bytes, inputs: inputs,
      inputsRead: inputs - packed.intake.packedFiles,
      rows: packed.intake.files.reduce(0) { $0 + ($1.section == "events" ? $1.rows : 0) },
      seconds: seconds)
    if options.json { return try printJSON(report) }
    print(
      "\(grouped(report.rows)) rows of \(grouped(inputs)) input\(inputs == 1 ? "" : "s") "
        + "(\(grouped(report.inputsRead)) read now) are packed in \(packed.folder): "
        + "\(packed.files) file\(packed.files == 1 ? "" : "s"), \(grouped(packed.bytes)) bytes, "
        + "\(three(seconds)) s")
  }
}

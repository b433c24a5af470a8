import Foundation
import Histories

/// The `gnuplot` program: a script of ours and a table of the user's in, a picture out (DESIGN 5.15).
///
/// Names and numbers go in as data only, in a file that the script reads: no text of the user's is
/// ever part of a script.
struct Gnuplot {
  private let program: String

  /// Throws `service` where the program is not on the PATH.
  init() throws(HistoriesError) {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").utf8
      .split(separator: UInt8(ascii: ":")).map { String(decoding: $0, as: UTF8.self) }
    guard
      let found = folders.map({ "\($0)/gnuplot" })
        .first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else {
      throw .service(
        "plots need the `gnuplot` program, not found on the PATH: apt-get install gnuplot-nox")
    }
    program = found
  }

  /// The SVG that `script` draws from `data`, which stands in the file "data" of the folder it runs
  /// in. The script is told `set terminal svg`, of so many points, and the common look first.
  ///
  /// Throws `output` for a temporary folder that cannot be written and `service` for a program that
  /// fails.
  func svg(
    _ script: String, data: String, width: Int = 640, height: Int = 600
  ) throws(HistoriesError) -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("tacit-plot-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = Process()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(data.utf8).write(to: folder.appendingPathComponent("data"))
      try Data((Self.look(width, height) + script + "\n").utf8)
        .write(to: folder.appendingPathComponent("script"))
      process.executableURL = URL(fileURLWithPath: program)
      // -d: no start-up files of the user's or the system's.
      process.arguments = ["-d", "script"]
      process.currentDirectoryURL = folder
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
    } catch {
      throw .output("\(folder.path) cannot be written, or \(program) not started: plots need both")
    }
    process.waitUntilExit()
    guard process.terminationStatus == 0,
      let picture = try? Data(contentsOf: folder.appendingPathComponent("picture")),
      !picture.isEmpty
    else {
      throw .service(
        "\(program) drew nothing (status \(process.terminationStatus)); version 5.4 is known to work"
      )
    }
    return Array(picture)
  }

  /// What all plots share. Fields of data are separated by tabs.
  private static func look(_ width: Int, _ height: Int) -> String {
    """
    set encoding utf8
    set terminal svg size \(width),\(height) noenhanced font "Helvetica,Arial,sans-serif,14" background "#ffffff"
    set output "picture"
    set datafile separator tab
    set border 3 linecolor "#666666"
    set tics nomirror out textcolor "#333333"
    set grid linecolor "#e4e4e4" linetype 1
    set key outside below left Left reverse vertical maxcols 1 width 2 samplen 2 spacing 1.2
    set key textcolor "#222222"
    set xlabel offset 0,0.4
    set title font ",16"
    set style line 1 linecolor "#0b5fa5" linewidth 2.4 pointtype 7 pointsize 0.7
    set style line 2 linecolor "#d1701a" linewidth 2.4 pointtype 5 pointsize 0.7
    set style line 9 linecolor "#999999" linewidth 1.4 dashtype (6,5)

    """
  }

  /// A text as a field of data: what would end a field or a line, quotes and backslashes are spaces,
  /// and no more of it than fits under a plot.
  static func field(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(70) {
      let isPlain = scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
      result.unicodeScalars.append(isPlain && scalar != "\"" && scalar != "\\" ? scalar : " ")
    }
    return result
  }
}

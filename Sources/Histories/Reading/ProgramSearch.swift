import Foundation

/// The path of a program that others installed: in the folders given, on the PATH, then in the virtual
/// environment that is active, that of `project` or the one that stands here; nil where it is in none.
package func findProgram(
  _ name: String, in folders: [String] = [], project: String? = nil
) -> String? {
  let environment = ProcessInfo.processInfo.environment
  var places = folders
  places += (environment["PATH"] ?? "").utf8.split(separator: UInt8(ascii: ":"))
    .map { String(decoding: $0, as: UTF8.self) }
  if let active = environment["VIRTUAL_ENV"] { places.append("\(active)/bin") }
  if let project { places.append("\(project)/.venv/bin") }
  places.append(".venv/bin")
  for place in places {
    let path = "\(place)/\(name)"
    if FileManager.default.isExecutableFile(atPath: path) { return path }
  }
  return nil
}

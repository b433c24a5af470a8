package import Foundation

/// The folder of real data and certified values that stands beside the project, `../shared`.
///
/// It is not part of the project: a test that needs it asks here, and where it is absent the test
/// says so aloud, in a line that `make test` counts.
package enum Shared {
  /// The package's own root folder.
  package static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The path of a file below `../shared`, or nil with a line that says what was skipped.
  package static func path(_ relative: String, test: String = #function) -> String? {
    let url = root.deletingLastPathComponent().appendingPathComponent("shared")
      .appendingPathComponent(relative)
    if FileManager.default.fileExists(atPath: url.path) { return url.path }
    print("SKIPPED: \(test): ../shared/\(relative) not found")
    return nil
  }
}

/// A folder of its own for one test, below the system's temporary folder.
package func temporaryFolder() throws -> URL {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("tacit-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  return url
}

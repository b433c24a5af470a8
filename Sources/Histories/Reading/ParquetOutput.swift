import Foundation

extension DuckDBProgram {
  /// Writes a Parquet file from JSON lines, which `lines` puts under the path it is given; columns
  /// keep their order and get the SQL types named. The file appears whole or not at all. Throws `service`
  /// where there is no `duckdb` program, `output` where it fails.
  package static func writeParquet(
    columns: [(name: String, type: String)], to path: String,
    lines: (String) throws(HistoriesError) -> Void
  ) throws(HistoriesError) {
    let program = try find()
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("tacit-\(UUID().uuidString)")
    // Whole before its name appears: `OutputFile` refuses what cannot be written before work is done.
    let output = try OutputFile(path: path)
    do {
      try FileManager.default.createDirectory(
        at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    } catch { throw .output("\(folder.path) cannot be made") }
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("rows.jsonl").path
    let made = folder.appendingPathComponent("rows.parquet").path
    try lines(source)
    let types = columns.map { "\(literal($0.name)): \(literal($0.type))" }.joined(separator: ", ")
    // One row may be as long as the whole file.
    let size = (try? FileManager.default.attributesOfItem(atPath: source)[.size] as? Int) ?? 0
    let rows =
      "read_json(\(literal(source)), format = 'newline_delimited', columns = {\(types)}, "
      + "maximum_object_size = \(max(size, 1 << 20)))"
    let names = columns.map { identifier($0.name) }.joined(separator: ", ")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [
      "-no-init", "-batch", "-bail", "-c",
      "SET TimeZone = 'UTC'; SET preserve_insertion_order = true; "
        + "COPY (SELECT \(names) FROM \(rows)) TO \(literal(made)) (FORMAT parquet)",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    // Its words may hold rows.
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { throw .service("\(program) cannot be run") }
    process.waitUntilExit()
    guard process.terminationStatus == 0, let file = FileHandle(forReadingAtPath: made) else {
      throw .output("\(path): the `duckdb` program failed to write it")
    }
    while let part = try? file.read(upToCount: 1 << 20), !part.isEmpty {
      try output.write([UInt8](part))
    }
    try output.commit()
  }
}

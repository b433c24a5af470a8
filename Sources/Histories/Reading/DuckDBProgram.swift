import Foundation

/// Parquet and SQL over files, read by the `duckdb` program (PyPI duckdb-cli) as a stream of CSV (DESIGN 5.10).
package enum DuckDBProgram {
  /// The rows of a Parquet file, or of a folder of them as engines write it, as CSV with a header, in the
  /// file's order. Numbers of 32 bits are widened first, so that they arrive as the doubles they are;
  /// times are written as ISO 8601, those that are instants with a Z. Throws `inputMissing` where there is
  /// no such file, `service` where there is no program, `dataContract` where it cannot read the file.
  package static func rows(ofParquet path: String) throws(HistoriesError) -> ByteSource {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .inputMissing("\(path): no such file")
    }
    if isFolder.boolValue {
      return try rows("SELECT * FROM \(table(ofParquetIn: path))", of: path, folder: nil)
    }
    return try rows("SELECT * FROM read_parquet(\(literal(pattern(path))))", of: path, folder: nil)
  }

  /// The Parquet files of a folder, which have the same columns, as SQL.
  static func table(ofParquetIn folder: String) -> String {
    "read_parquet(\(literal(pattern(folder) + "/*.parquet")), hive_partitioning = false)"
  }

  /// The rows that a query gives, written in the same way. `name` is what messages call it. Throws
  /// `service` where there is no program, `dataContract` with its own words where it refuses.
  static func rows(
    ofQuery sql: String, named name: String, folder: String
  ) throws(HistoriesError) -> ByteSource {
    // A line of its own, so that a comment at its end stays one.
    try rows("SELECT * FROM (\(sql)\n)", of: name, folder: folder)
  }

  private static func rows(
    _ select: String, of name: String, folder: String?
  ) throws(HistoriesError) -> ByteSource {
    let program = try find(project: folder)
    func source(_ query: String) -> ByteSource {
      func command(_ query: String) -> [String] {
        [
          program, "-no-init", "-batch", "-bail", "-c",
          "COPY (\(query)) TO '/dev/stdout' (FORMAT csv, HEADER)",
        ]
      }
      return .program(
        rows: command(query), header: command(query + " LIMIT 0"), folder: folder, path: name)
    }
    var written: [String] = []
    let types = source("SELECT column_name, column_type FROM (DESCRIBE \(select))")
    let columns = try RowBatches(types, columns: 2, threads: 1)
    while true {
      let batch = try columns.next(1) { (chunk) throws(RowFailure) in
        var found: [String] = []
        while try chunk.next() {
          let (name, type) = (chunk.fields[0], chunk.fields[1])
          guard let name = name.text.map(identifier), let type = type.text,
            let cast = text(name, of: type)
          else { continue }
          found.append("\(cast) AS \(name)")
        }
        return found
      }
      if batch.isEmpty { break }
      written += batch.joined()
    }
    if written.isEmpty { return source(select) }
    return source("SELECT * REPLACE (\(written.joined(separator: ", "))) FROM (\(select))")
  }

  /// How a column is written where CSV would lose something; nil where it would not.
  private static func text(_ column: String, of type: String) -> String? {
    switch type {
    case "FLOAT": "CAST(\(column) AS DOUBLE)"
    // Without a fraction where there is none: shorter to write and quicker to read.
    case "TIMESTAMP WITH TIME ZONE":
      "CAST(make_timestamp(epoch_us(\(column))) AS VARCHAR) || 'Z'"
    case "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS": "CAST(\(column) AS TIMESTAMP)"
    default: nil
    }
  }

  /// `duckdb` on the PATH, then in the virtual environment that is active or stands in the folder (or in
  /// `project`). Throws `service` where it is not there.
  package static func find(project: String? = nil) throws(HistoriesError) -> String {
    if let path = findProgram("duckdb", project: project) { return path }
    throw .service(
      "Parquet, via = \"duckdb\" and --engine duckdb need the `duckdb` program, found neither on the PATH nor in .venv/bin: "
        + "pip install duckdb-cli")
  }

  /// A text as an SQL string.
  package static func literal(_ text: String) -> String { quoted(text, by: 0x27) }

  /// A name as an SQL identifier.
  package static func identifier(_ name: String) -> String { quoted(name, by: 0x22) }

  private static func quoted(_ text: String, by mark: UInt8) -> String {
    var bytes = [mark]
    for byte in text.utf8 {
      if byte == mark { bytes.append(mark) }
      bytes.append(byte)
    }
    return String(decoding: bytes + [mark], as: UTF8.self)
  }

  /// A path as a pattern that fits it alone.
  private static func pattern(_ path: String) -> String {
    var bytes: [UInt8] = []
    for byte in path.utf8 {
      let special = [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "[")].contains(byte)
      bytes += special ? [UInt8(ascii: "["), byte, UInt8(ascii: "]")] : [byte]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

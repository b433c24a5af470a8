import Foundation

/// The files that a path or pattern of the project file names, sorted by bytes.
func sourceFiles(_ pattern: String) throws(HistoriesError) -> [String] {
  var isFolder: ObjCBool = false
  if FileManager.default.fileExists(atPath: pattern, isDirectory: &isFolder) {
    let found = isFolder.boolValue ? parquetFiles(under: pattern) : []
    return found.isEmpty ? [pattern] : found
  }
  var found = glob_t()
  defer { globfree(&found) }
  guard glob(pattern, 0, nil, &found) == 0 else {
    throw .inputMissing("\(pattern): no such file" + (pattern.contains("*") ? "s" : ""))
  }
  let paths = (0..<Int(found.gl_pathc)).compactMap { index in
    found.gl_pathv[index].map { String(cString: $0) }
  }
  return paths.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
}

/// Every Parquet file in a folder and below, sorted by bytes; hidden ones are others' business.
private func parquetFiles(under folder: String) -> [String] {
  let inside = FileManager.default.enumerator(atPath: folder)
  let names = (inside?.compactMap { $0 as? String } ?? []).filter { name in
    name.hasSuffix(".parquet")
      && !name.utf8.split(separator: UInt8(ascii: "/")).contains {
        $0.first == UInt8(ascii: ".") || $0.first == UInt8(ascii: "_")
      }
  }
  return names.map { folder + "/" + $0 }
    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// One input of an `[[events]]` table, not yet opened.
struct EventInput {
  /// The file; of a query what messages call it.
  let path: String
  let query: SourceQuery?

  private var isParquet: Bool { query == nil && path.hasSuffix(".parquet") }

  /// What places of unusable rows are counted in.
  var lines: String { isParquet || query != nil ? path + " as CSV" : path }

  /// By what it is known again; nil for a query, and for what is no file.
  var identity: FileIdentity? { query == nil ? FileIdentity(path: path) : nil }

  /// About how many bytes of CSV it is. Throws `inputMissing`.
  func bytesAsText() throws(HistoriesError) -> Int {
    if query == nil, !isParquet { return try ByteSource.file(path).bytesAsText() }
    return ByteSource.bytesAsText(ofPacked: path)
  }

  /// Its rows: CSV as it is, Parquet by the `duckdb` program, a query's by who answers it. Throws
  /// `inputMissing`, and `service` where the program is needed and not there.
  func source() throws(HistoriesError) -> ByteSource {
    if let query { return try query.rows(named: path) }
    return try fileTable(path)
  }
}

extension EventSource {
  /// The inputs of the table, files sorted by bytes. Throws `inputMissing`.
  func inputs() throws(HistoriesError) -> [EventInput] {
    if query != nil { return [EventInput(path: path, query: query)] }
    return try sourceFiles(path).map { EventInput(path: $0, query: nil) }
  }
}

extension AccountsSource {
  /// Its one table. Throws as `EventSource.tables` does, and `dataContract` where the path names
  /// several files.
  func table() throws(HistoriesError) -> ByteSource {
    try oneTable("[accounts]", path, query)
  }
}

extension ContactsSource {
  /// Its one table, as of `[accounts]`.
  func table() throws(HistoriesError) -> ByteSource {
    try oneTable("[contacts]", path, query)
  }
}

private func oneTable(
  _ section: String, _ path: String, _ query: SourceQuery?
) throws(HistoriesError) -> ByteSource {
  if let query { return try query.rows(named: path) }
  let files = try sourceFiles(path)
  guard files.count == 1 else {
    throw .dataContract(
      "\(section) \(path) names \(files.count) files, from \(files[0]) to "
        + "\(files[files.count - 1]): it is one table, name one file")
  }
  return try fileTable(files[0])
}

private func fileTable(_ path: String) throws(HistoriesError) -> ByteSource {
  path.hasSuffix(".parquet") ? try DuckDBProgram.rows(ofParquet: path) : .file(path)
}

/// The header of a CSV file: the names of its columns and where each is.
struct Header {
  let path: String
  let names: [String]

  /// Throws `dataContract` when a name occurs twice or is not UTF-8.
  init(path: String, fields: UnsafeBufferPointer<Field>) throws(HistoriesError) {
    self.path = path
    var names: [String] = []
    for field in fields {
      guard let name = field.text else {
        throw .dataContract("\(path), line 1: the header is not UTF-8: save the file as UTF-8")
      }
      if name.utf8.contains(0x0d), !name.utf8.contains(0x0a) {
        throw .dataContract(
          "\(path), line 1: lines end with a carriage return alone, as on old Macs: save the file with "
            + "line feeds")
      }
      if !name.isEmpty, let first = names.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) {
        throw .dataContract(
          "\(path), line 1: columns \(first + 1) and \(names.count + 1) are both called \"\(name)\": "
            + "rename one")
      }
      names.append(name)
    }
    self.names = names
  }

  /// The place of the column that the project file maps to `key`.
  func column(_ name: String, for key: String) throws(HistoriesError) -> Int {
    if let place = names.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) { return place }
    let nearest = nearestName(to: name, among: names)
    throw .dataContract(
      "\(path), line 1: no column \"\(name)\" (for `\(key)`)"
        + (nearest.map { ": did you mean \"\($0)\"?" } ?? ".")
        + " It has: \(names.joined(separator: ", "))")
  }

  /// Reads the header out of the file's first chunk and takes it away from `rows`.
  static func read(from path: String, chunkBytes: Int) throws(HistoriesError) -> Header {
    try read(from: .file(path), chunkBytes: chunkBytes)
  }

  static func read(
    from source: ByteSource, chunkBytes: Int = RowChunks.defaultChunkBytes
  ) throws(HistoriesError) -> Header {
    let path = source.path
    let chunks = try RowChunks(source, chunkBytes: min(chunkBytes, 1 << 16), header: true)
    let buffer = ChunkBuffer()
    guard try chunks.next(into: buffer), buffer.rowBytes > 0 else {
      throw .dataContract("\(path) is empty: expected a header line with the names of the columns")
    }
    let fields = UnsafeMutablePointer<Field>.allocate(capacity: mostColumns)
    defer { fields.deallocate() }
    var rows = RowReader(buffer, columns: mostColumns, fields: fields)
    defer { rows.deallocate() }
    guard let count = rows.next() else {
      throw .dataContract("\(path) is empty: expected a header line with the names of the columns")
    }
    guard count <= mostColumns, !rows.malformed else {
      throw .dataContract("\(path), line 1: no header of at most \(mostColumns) columns")
    }
    return try Header(path: path, fields: UnsafeBufferPointer(start: fields, count: count))
  }

  static let mostColumns = 16_384
}

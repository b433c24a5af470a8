import Foundation

/// A table as the command line names it: files with one header.
struct UnknownTable {
  var paths: [String]
  var sources: [ByteSource]
  var header: [String]

  /// The tables of the files that were named; files in one folder with one header are parts of one.
  static func group(_ arguments: [String]) throws(HistoriesError) -> [UnknownTable] {
    var tables: [UnknownTable] = []
    for argument in arguments {
      var sources: [ByteSource] = []
      for file in try sourceFiles(argument) {
        if file.hasSuffix(".parquet") {
          sources.append(try DuckDBProgram.rows(ofParquet: file))
        } else {
          try checkForm(file)
          sources.append(.file(file))
        }
      }
      let header = try Header.read(from: sources[0]).names
      try checkNames(header, argument)
      for source in sources.dropFirst() where try Header.read(from: source).names != header {
        throw .dataContract(
          "\(source.path) has other columns than \(sources[0].path): name them one by one")
      }
      let folder = URL(fileURLWithPath: argument).deletingLastPathComponent().path
      let same = tables.firstIndex {
        $0.header == header
          && URL(fileURLWithPath: $0.paths[0]).deletingLastPathComponent().path == folder
      }
      if let same {
        tables[same].paths.append(argument)
        tables[same].sources += sources
      } else {
        tables.append(UnknownTable(paths: [argument], sources: sources, header: header))
      }
    }
    return tables
  }

  /// What a file's first bytes say that the reader does not take, and what to do.
  private static func checkForm(_ path: String) throws(HistoriesError) {
    let stream = try ByteStream(path: path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    let count = try stream.read(into: buffer)
    var bytes = buffer[..<count]
    func starts(_ mark: [UInt8]) -> Bool { bytes.starts(with: mark) }
    guard count > 0 else {
      throw .dataContract("\(path) is empty: expected a header line with the names of the columns")
    }
    if starts(Array("PAR1".utf8)) {
      throw .dataContract("\(path) is a Parquet file: give it a name that ends in .parquet")
    }
    if starts([0x50, 0x4b, 0x03, 0x04]) {
      throw .dataContract(
        "\(path) is a spreadsheet or zip file: save its sheet as \"CSV UTF-8\" and name that")
    }
    if starts([0xff, 0xfe]) || starts([0xfe, 0xff]) {
      throw .dataContract("\(path) is UTF-16: save it as \"CSV UTF-8\"")
    }
    if starts([0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
    if bytes.first { $0 > 0x20 } == UInt8(ascii: "{") || bytes.first == UInt8(ascii: "[") {
      throw .dataContract(
        "\(path) is JSON: turn it into Parquet first, then name that:\n"
          + "  duckdb -c \"COPY (FROM read_json(\(DuckDBProgram.literal(path)))) TO "
          + "\(DuckDBProgram.literal(path + ".parquet"))\"")
    }
    guard let mark = separator(bytes), mark != 0x2c else { return }
    let name =
      switch mark {
      case 0x3b: "semicolons"
      case 0x09: "tabs"
      default: "vertical bars"
      }
    let written = mark == 0x09 ? "\\t" : String(Unicode.Scalar(mark))
    let out = commaName(path)
    throw .dataContract(
      "\(path): columns are separated by \(name), and Tacit reads commas alone. Turn it round, then "
        + "name \(out):\n  duckdb -c \"COPY (FROM read_csv(\(DuckDBProgram.literal(path)), "
        + "delim = '\(written)', header = true, all_varchar = true)) TO "
        + "\(DuckDBProgram.literal(out)) (HEADER)\"\n"
        + "(duckdb: pip install duckdb-cli. Numbers with a decimal comma need a point as well.)")
  }

  private static func commaName(_ path: String) -> String {
    for end in [".csv.gz", ".tsv.gz", ".txt.gz", ".csv", ".tsv", ".txt"] where path.hasSuffix(end) {
      return String(path.dropLast(end.count)) + "-commas.csv"
    }
    return path + "-commas.csv"
  }

  /// The mark that occurs most in the first line outside quotes; nil where none does.
  private static func separator(_ bytes: Slice<UnsafeMutableRawBufferPointer>) -> UInt8? {
    var counts: [UInt8: Int] = [:]
    var isQuoted = false
    for byte in bytes {
      if byte == 0x22 { isQuoted.toggle() }
      if isQuoted { continue }
      if byte == 0x0a { break }
      counts[byte, default: 0] += 1
    }
    let marks: [UInt8] = [0x2c, 0x3b, 0x09, 0x7c]
    let best = marks.max { counts[$0, default: 0] < counts[$1, default: 0] }!
    return counts[best] == nil || counts[0x2c, default: 0] == counts[best]! ? 0x2c : best
  }

  private static func checkNames(_ header: [String], _ path: String) throws(HistoriesError) {
    let nameless = header.count { $0.isEmpty }
    let values = header.count { name in
      let bytes = Array(name.utf8) + Array(repeating: 0, count: 8)
      return bytes.withUnsafeBufferPointer {
        let field = Field(start: $0.baseAddress!, count: name.utf8.count)
        return name.utf8.count > 0
          && (DecimalNumber(field) != nil || ISO8601Fields(field.bytes).read() != nil)
      }
    }
    if values > 0, (values + nameless) * 3 >= header.count {
      throw .dataContract(
        "\(path), line 1: \(values) of the \(header.count) names of columns are numbers or times: it "
          + "seems to have no header; write one line with the names of the columns above")
    }
  }
}

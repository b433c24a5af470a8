import Histories

/// An engine's way of writing SQL, where engines differ. All else is what both read alike.
///
/// DuckDB 1.5 and Apache Spark 4.
package enum SQLDialect: String, Sendable, CaseIterable {
  case duckdb, spark

  /// A name, always quoted (`at` alone is a syntax error in DuckDB).
  package func identifier(_ name: String) -> String {
    switch self {
    case .duckdb: DuckDBProgram.identifier(name)
    case .spark:
      "`"
        + name.utf8.split(separator: UInt8(ascii: "`"), omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "``") + "`"
    }
  }

  /// A text. Spark reads backslashes as escapes, replaces `${…}` in the whole script, ends a statement at a
  /// semicolon and reads a script by the locale, so whatever is not plain is written as an escape there.
  package func literal(_ text: String) -> String {
    switch self {
    case .duckdb: return DuckDBProgram.literal(text)
    case .spark:
      let plain = Set(" _.,:/@#%+=-*()[]<>&!?|~^".unicodeScalars)
      var written = "'"
      for scalar in text.unicodeScalars {
        let isWord = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        if scalar.isASCII, isWord || plain.contains(scalar) {
          written.unicodeScalars.append(scalar)
        } else {
          let (mark, width) = scalar.value > 0xffff ? ("\\U", 8) : ("\\u", 4)
          let digits = String(scalar.value, radix: 16)
          written += mark + String(repeating: "0", count: width - digits.utf8.count) + digits
        }
      }
      return written + "'"
    }
  }

  package var text: String { self == .duckdb ? "VARCHAR" : "STRING" }

  /// A statement that writes a query's rows as Parquet into a folder, in place of what is there.
  package func write(_ query: String, to folder: String) -> String {
    switch self {
    case .duckdb: "COPY (\(query)) TO \(literal(folder + "/part.parquet")) (FORMAT parquet)"
    case .spark: "INSERT OVERWRITE DIRECTORY \(literal(folder)) USING parquet\n\(query)"
    }
  }

  /// What stands behind FROM for rows that `write` wrote.
  package func written(in folder: String) -> String {
    switch self {
    case .duckdb: "read_parquet(\(literal(folder + "/*.parquet")))"
    case .spark: "parquet.\(identifier(folder))"
    }
  }

  /// How many bytes a text has.
  func byteCount(_ text: String) -> String {
    self == .duckdb ? "strlen(\(text))" : "octet_length(\(text))"
  }

  /// The SHA-256 of a text, in hexadecimal.
  package func sha256(_ text: String) -> String {
    self == .duckdb ? "sha256(\(text))" : "sha2(\(text), 256)"
  }

  /// What the first 16 hexadecimal digits of a digest are compared with (digest < bound) so that a share
  /// of digests is below: of 64 bits the first 53 count, as in `OutreachLot`.
  package func bound(ofShare share: Double) -> String {
    let bits = (share * 0x1p53).rounded(.up)
    // Beyond every digest.
    guard bits < 0x1p53 else { return "g" }
    let digits = String(UInt64(max(bits, 0)) << 11, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// The local date and hour of an instant in microseconds; the script sets the session's zone.
  func localDate(_ at: String) -> String {
    switch self {
    case .duckdb: "CAST(make_timestamptz(\(at)) AS DATE)"
    case .spark: "CAST(timestamp_micros(\(at)) AS DATE)"
    }
  }

  func localHour(_ at: String) -> String {
    switch self {
    case .duckdb: "hour(make_timestamptz(\(at)))"
    case .spark: "hour(timestamp_micros(\(at)))"
    }
  }

  /// The day of the week of a date, Monday 1 to Sunday 7.
  func weekday(_ date: String) -> String {
    switch self {
    case .duckdb: "isodow(\(date))"
    case .spark: "extract(dayofweek_iso FROM \(date))"
    }
  }

  /// All columns but some, whose names are quoted.
  func except(_ columns: [String]) -> String {
    if columns.isEmpty { return "*" }
    let word = self == .duckdb ? "EXCLUDE" : "EXCEPT"
    return "* \(word) (\(columns.joined(separator: ", ")))"
  }
}

/// Lists: arrays of Spark. Nothing here is NULL or holds one, but for what `filter` looks at.
extension SQLDialect {
  func list(_ items: [String]) -> String {
    let items = items.joined(separator: ",\n    ")
    return self == .duckdb ? "[\(items)]" : "array(\(items))"
  }

  /// A list of doubles to the bit, as one text that is read once a query: a literal for each would be
  /// a node of the plan.
  package func numbers(_ values: [Double]) -> String {
    let text = values.map { "\($0)" }.joined(separator: ",")
    switch self {
    case .duckdb: return "CAST('[\(text)]' AS DOUBLE[])"
    case .spark: return "CAST(split('\(text)', ',') AS ARRAY<DOUBLE>)"
    }
  }

  func structure(_ fields: KeyValuePairs<String, String>) -> String {
    switch self {
    case .duckdb: "{" + fields.map { "'\($0)': \($1)" }.joined(separator: ", ") + "}"
    case .spark: "named_struct(" + fields.map { "'\($0)', \($1)" }.joined(separator: ", ") + ")"
    }
  }

  /// `body` speaks of an item as `x`.
  func filter(_ list: String, _ body: String) -> String {
    switch self {
    case .duckdb: "list_filter(\(list), lambda x: \(body))"
    case .spark: "filter(\(list), x -> \(body))"
    }
  }

  func map(_ list: String, _ body: String) -> String {
    switch self {
    case .duckdb: "list_transform(\(list), lambda x: \(body))"
    case .spark: "transform(\(list), x -> \(body))"
    }
  }

  /// Ascending; of structures, by their fields in order.
  func sorted(_ list: String) -> String {
    self == .duckdb ? "list_sort(\(list))" : "sort_array(\(list))"
  }

  func count(_ list: String) -> String {
    self == .duckdb ? "len(\(list))" : "array_size(\(list))"
  }

  /// The first items, `count` of them (0 or more) where there are so many.
  func prefix(_ list: String, _ count: String) -> String {
    self == .duckdb ? "list_slice(\(list), 1, \(count))" : "slice(\(list), 1, \(count))"
  }

  func item(_ list: String, from0 index: String) -> String {
    self == .duckdb ? "list_extract(\(list), \(index) + 1)" : "get(\(list), \(index))"
  }

  func sum(_ list: String) -> String {
    switch self {
    case .duckdb: "COALESCE(list_sum(\(list)), 0e0)"
    case .spark: "aggregate(\(list), 0e0, (sum, x) -> sum + x)"
    }
  }

  /// d′Vd of a list d, V symmetric by the rows of its lower triangle.
  ///
  /// Σ_i d_i (V_ii d_i + 2 Σ_j<i V_ij d_j), its numbers in few texts: Spark's analysis of a plan takes
  /// long by its nodes.
  func quadraticForm(_ d: String, lowerTriangle: [[Double]]) -> String {
    let rows = lowerTriangle.map { row in row.dropLast().map { 2 * $0 } + row.suffix(1) }
    switch self {
    case .duckdb:
      let products = rows.map {
        "list_dot_product(\(prefix(d, "\($0.count)")), \(numbers($0)))"
      }
      return "list_dot_product(\(d), \(list(products)))"
    case .spark:
      func dot(_ a: String, _ b: String) -> String {
        sum("zip_with(\(a), \(b), (a, b) -> a * b)")
      }
      let row = "slice(\(numbers(Array(rows.joined()))), shiftright(i * (i + 1), 1) + 1, i + 1)"
      return sum("transform(\(d), (x, i) -> x * \(dot("slice(\(d), 1, i + 1)", row)))")
    }
  }

  /// Texts one after another.
  func joined(_ list: String) -> String {
    self == .duckdb ? "COALESCE(array_to_string(\(list), ''), '')" : "array_join(\(list), '')"
  }
}

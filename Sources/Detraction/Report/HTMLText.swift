/// Text as HTML, byte by byte: `"` followed by a joiner is one `Character`, and an escape that compares
/// characters lets it through (DESIGN 5.11).
enum HTMLText {
  /// The text for use between tags and within quoted attributes: `& < > " '` as references, control
  /// characters other than tab and line feed as U+FFFD. O(bytes).
  static func escaped(_ text: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes += "&amp;".utf8
      case UInt8(ascii: "<"): bytes += "&lt;".utf8
      case UInt8(ascii: ">"): bytes += "&gt;".utf8
      case UInt8(ascii: "\""): bytes += "&quot;".utf8
      case UInt8(ascii: "'"): bytes += "&#39;".utf8
      case 0x09, 0x0A: bytes.append(byte)
      case 0..<0x20, 0x7F: bytes += "\u{FFFD}".utf8
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Escaped, with what stands between backticks as code.
  private static func withCode(_ text: String) -> String {
    let parts = escaped(text).utf8.split(
      separator: UInt8(ascii: "`"), omittingEmptySubsequences: false
    ).map { String(decoding: $0, as: UTF8.self) }
    guard parts.count % 2 == 1 else { return parts.joined(separator: "`") }
    return parts.enumerated().map { $0.offset % 2 == 1 ? "<code>\($0.element)</code>" : $0.element }
      .joined()
  }

  static func paragraph(_ text: String, class name: String? = nil) -> String {
    "<p\(name.map { " class=\"\($0)\"" } ?? "")>\(withCode(text))</p>\n"
  }

  static func list(_ items: [String]) -> String {
    items.isEmpty
      ? "" : "<ul>\n" + items.map { "<li>\(withCode($0))</li>\n" }.joined() + "</ul>\n"
  }

  /// A table whose first column is text and whose others are numbers, or `isText`; every cell is
  /// escaped.
  static func table(
    _ header: [String], _ rows: [[String]], caption: String? = nil, isText: Bool = false
  ) -> String {
    var html = "<div class=\"wide\"><table\(isText ? " class=\"text\"" : "")>\n"
    if let caption { html += "<caption>\(escaped(caption))</caption>\n" }
    html +=
      "<thead><tr>" + header.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
      + "</tr></thead>\n<tbody>\n"
    for row in rows {
      html += "<tr>"
      for (place, cell) in row.enumerated() {
        html +=
          place == 0 ? "<th scope=\"row\">\(escaped(cell))</th>" : "<td>\(escaped(cell))</td>"
      }
      html += "</tr>\n"
    }
    return html + "</tbody>\n</table></div>\n"
  }
}

/// Numbers as a report writes them.
enum ReportNumber {
  /// A whole number with commas between thousands.
  static func whole(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "–" }
    return grouped(Int(value.rounded()))
  }

  static func grouped(_ value: Int) -> String {
    var digits = Array(String(value.magnitude).utf8)
    var place = digits.count - 3
    while place > 0 {
      digits.insert(UInt8(ascii: ","), at: place)
      place -= 3
    }
    return (value < 0 ? "−" : "") + String(decoding: digits, as: UTF8.self)
  }

  /// With so many decimals and a true minus sign.
  static func fixed(_ value: Double?, _ decimals: Int = 3) -> String {
    guard let value, value.isFinite else { return "–" }
    let scale = (0..<decimals).reduce(1.0) { product, _ in product * 10 }
    let rounded = (abs(value) * scale).rounded()
    guard rounded < 1e15 else { return "\(value)" }
    let digits = String(Int(rounded))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
    let sign = value < 0 && rounded > 0 ? "−" : ""
    return decimals == 0
      ? sign + digits : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }

  /// A share as percent, one decimal below ten.
  static func percent(_ share: Double?) -> String {
    guard let share, share.isFinite else { return "–" }
    return fixed(100 * share, abs(share) < 0.1 ? 1 : 0) + " %"
  }

  static func interval(_ low: Double?, _ high: Double?, _ text: (Double?) -> String) -> String {
    low == nil || high == nil ? "–" : "\(text(low)) to \(text(high))"
  }
}

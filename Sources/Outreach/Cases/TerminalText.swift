// Text from data on a terminal: made harmless, measured in columns, cut and wrapped. All by
// Unicode scalars; grapheme clusters play no part (DESIGN 5.11).

/// `text` with every scalar that could steer a terminal or turn the line around written out, as
/// `\u{1B}`: controls (line ends among them), bidirectional and other format characters, line and
/// paragraph separators, unassigned and private ones. The two joiners stay, since names and
/// pictures are spelt with them.
package func inert(_ text: String) -> String {
  var safe = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .format where scalar.value == 0x200C || scalar.value == 0x200D:
      safe.append(scalar)
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse,
      .surrogate:
      safe.append(
        contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
    default:
      safe.append(scalar)
    }
  }
  return String(safe)
}

/// How many columns a harmless text takes on a terminal, at most.
package func columns(_ text: String) -> Int {
  text.unicodeScalars.reduce(0) { $0 + columns($1) }
}

/// The text cut to `limit` columns, the last of them an ellipsis where something was cut. Marks
/// that take no column are limited too.
package func clipped(_ text: String, to limit: Int) -> String {
  if columns(text) <= limit && text.unicodeScalars.count <= 4 * limit { return text }
  var cut = String.UnicodeScalarView()
  var width = 0
  for scalar in text.unicodeScalars {
    width += columns(scalar)
    if width >= limit || cut.count >= 4 * limit { break }
    cut.append(scalar)
  }
  return String(cut) + "…"
}

/// The text in lines of at most `limit` columns, broken at spaces where there are any.
func wrapped(_ text: String, to limit: Int) -> [String] {
  if columns(text) <= limit && text.unicodeScalars.count <= 4 * limit { return [text] }
  var lines: [String] = []
  var line = ""
  for word in text.unicodeScalars.split(separator: " ") {
    var word = String(word)
    let together = line + " " + word
    if !line.isEmpty && columns(together) <= limit && together.unicodeScalars.count <= 4 * limit {
      line = together
      continue
    }
    if !line.isEmpty { lines.append(line) }
    while columns(word) > limit || word.unicodeScalars.count > 4 * limit {
      var head = String.UnicodeScalarView()
      var width = 0
      for scalar in word.unicodeScalars {
        width += columns(scalar)
        if width > limit || head.count >= 4 * limit { break }
        head.append(scalar)
      }
      lines.append(String(head))
      word = String(word.unicodeScalars.dropFirst(head.count))
    }
    line = word
  }
  return lines + [line]
}

/// The text with spaces after it up to a width.
package func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - columns(text)))
}

/// 0 for marks and joiners, 2 for the East Asian wide blocks and pictographs, else 1.
private func columns(_ scalar: Unicode.Scalar) -> Int {
  switch scalar.value {
  case 0x20..<0x300: return 1
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
    0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
    return 2
  default: break
  }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format: return 0
  default: return 1
  }
}

/// A text with a space for each line end and tab.
func onOneLine(_ text: String) -> String {
  let spaces: [Unicode.Scalar] = ["\n", "\r", "\t"]
  return String(
    String.UnicodeScalarView(text.unicodeScalars.map { spaces.contains($0) ? " " : $0 }))
}

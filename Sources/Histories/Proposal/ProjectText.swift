/// A project file being written, with the reason beside each line.
struct ProjectText {
  private(set) var text = ""
  private static let width = 100

  mutating func blank() { text += "\n" }
  mutating func header(_ name: String) { text += "\n\(name)\n" }

  /// `key = value`, the reason at its end where there is room, else above.
  mutating func line(_ key: String, _ value: String, _ reason: String = "", isOff: Bool = false) {
    let line = (isOff ? "# " : "") + "\(key) = \(value)"
    guard !reason.isEmpty else {
      text += line + "\n"
      return
    }
    if line.unicodeScalars.count + reason.unicodeScalars.count + 4 <= Self.width {
      text += "\(line)  # \(Self.plain(reason))\n"
    } else {
      comment(reason)
      text += line + "\n"
    }
  }

  /// Words in lines of a fitting width, each starting with `#`.
  mutating func comment(_ words: String) {
    var line = "#"
    for word in words.split(separator: " ", omittingEmptySubsequences: true) {
      if line.unicodeScalars.count + word.unicodeScalars.count + 1 > Self.width, line != "#" {
        text += line + "\n"
        line = "#"
      }
      line += " " + Self.plain(String(word))
    }
    text += line + "\n"
  }

  /// A column's name in a comment: no control characters, which TOML refuses there.
  static func plain(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      result.append(scalar.value < 0x20 || scalar.value == 0x7f ? "?" : scalar)
    }
    return String(result)
  }

  /// A TOML basic string.
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7f {
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }

  static func list(_ texts: [String]) -> String {
    "[" + texts.map(string).joined(separator: ", ") + "]"
  }
}

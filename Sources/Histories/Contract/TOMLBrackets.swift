/// Brackets on which the parser of TOML that is used ends the program instead of refusing: a table's header
/// that begins with what no key begins with, such as `[=]` or `[.a]`, and a `}` in an array, such as
/// `[1, }`.
///
/// All else is the parser's: strings and comments are passed over, so that a bracket in them is none.
enum TOMLBrackets {
  /// The line (from 1) of the first of them, and what was expected; nil where there is none. O(bytes).
  static func firstUnsound(_ bytes: [UInt8]) -> (line: Int, expected: String)? {
    var place = 0
    var line = 1
    // Whether nothing but spaces stands before on the line, and which brackets of values are open.
    var isLineStart = true
    var open: [UInt8] = []
    var isHeader = false
    func byte(_ place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 0x0a }
    while place < bytes.count {
      let current = bytes[place]
      switch current {
      case UInt8(ascii: "\n"):
        line += 1
        isLineStart = true
        isHeader = false
        place += 1
        continue
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        place += 1
        continue
      case UInt8(ascii: "#"):
        while byte(place) != 0x0a { place += 1 }
        continue
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        skipString(bytes, &place, &line)
        isLineStart = false
        continue
      case UInt8(ascii: "[") where isLineStart && open.isEmpty:
        var first = place + 1
        while byte(first) == 0x20 || byte(first) == 0x09 { first += 1 }
        if byte(first) == UInt8(ascii: "[") { first += 1 }
        while byte(first) == 0x20 || byte(first) == 0x09 { first += 1 }
        guard beginsKey(byte(first)) || byte(first) == UInt8(ascii: "]") else {
          return (line, "the name of a table between the brackets")
        }
        isHeader = true
        place = first
        isLineStart = false
        continue
      case UInt8(ascii: "["), UInt8(ascii: "{"): if !isHeader { open.append(current) }
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        if isHeader { break }
        if current == UInt8(ascii: "}"), open.last == UInt8(ascii: "[") {
          return (line, "a value or ] in the array, saw }")
        }
        _ = open.popLast()
      default: break
      }
      isLineStart = false
      place += 1
    }
    return nil
  }

  private static func beginsKey(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "_"), 0x22, 0x27: true
    default: false
    }
  }

  /// Goes past a string of one line or, between three quotes, of several.
  private static func skipString(_ bytes: [UInt8], _ place: inout Int, _ line: inout Int) {
    let quote = bytes[place]
    let escapes = quote == 0x22
    func isTriple(_ place: Int) -> Bool {
      place + 2 < bytes.count && bytes[place] == quote && bytes[place + 1] == quote
        && bytes[place + 2] == quote
    }
    let isLong = isTriple(place)
    place += isLong ? 3 : 1
    while place < bytes.count {
      if escapes, bytes[place] == UInt8(ascii: "\\"), place + 1 < bytes.count,
        bytes[place + 1] != 0x0a
      {
        place += 2
      } else if isLong ? isTriple(place) : bytes[place] == quote {
        place += isLong ? 3 : 1
        return
      } else if bytes[place] == 0x0a {
        // A string of one line is not closed: the parser's to say.
        if !isLong { return }
        line += 1
        place += 1
      } else {
        place += 1
      }
    }
  }
}

/// What every dialect of SQL reads alike.
package enum SQLText {
  /// A double, to the bit: only with an exponent is a literal read as one, and not as a decimal.
  package static func literal(_ value: Double) -> String {
    let digits = "\(value)"
    let text = digits.utf8.contains(UInt8(ascii: "e")) ? digits : digits + "e0"
    return value < 0 || value.sign == .minus ? "(\(text))" : text
  }

  /// The sum of expressions as a balanced tree: a chain of thousands would be too deep for parsers.
  package static func sum(_ terms: some RandomAccessCollection<String>) -> String {
    switch terms.count {
    case 0: return literal(0.0)
    case 1: return terms.first ?? ""
    default:
      let middle = terms.index(terms.startIndex, offsetBy: terms.count / 2)
      return "(\(sum(terms[..<middle]))\n  + \(sum(terms[middle...])))"
    }
  }
}

/// What every dialect of SQL reads alike.
package enum SQLText {
  /// A double, to the bit: only with an exponent is a literal read as one, and not as a decimal.
  package static func literal(_ value: Double) -> String {
    let digits = "\(value)"
    let text = digits.utf8.contains(UInt8(ascii: "e")) ? digits : digits + "e0"
    return value < 0 || value.sign == .minus ? "(\(text))" : text
  }

  /// The sum of expressions in runs of some √n: a plain chain of thousands would be too deep for engines,
  /// and parsers look ahead over nested brackets again and again.
  package static func sum(_ terms: [String]) -> String {
    if terms.isEmpty { return literal(0.0) }
    if terms.count == 1 { return terms[0] }
    let run = max(2, Int(Double(terms.count).squareRoot()))
    let runs = stride(from: 0, to: terms.count, by: run).map {
      "(" + terms[$0..<min($0 + run, terms.count)].joined(separator: " + ") + ")"
    }
    return "(" + runs.joined(separator: "\n  + ") + ")"
  }
}

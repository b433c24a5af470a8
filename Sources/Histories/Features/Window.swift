/// A stretch of time that ends at the as-of date t.
package enum Window: Hashable, Sendable, Codable {
  /// [t − d · 86,400 s, t)
  case days(Int)
  /// Everything before t.
  case lifetime

  /// `30d` or `lifetime`, in names and in the model file.
  package var name: String {
    switch self {
    case .days(let days): "\(days)d"
    case .lifetime: "lifetime"
    }
  }

  init?(name: String) {
    if name == "lifetime" {
      self = .lifetime
    } else if name.hasSuffix("d"), let days = Int(name.dropLast()), (1...36_500).contains(days) {
      self = .days(days)
    } else {
      return nil
    }
  }

  var words: String {
    switch self {
    case .days(let days): "in the \(days) days before the as-of date"
    case .lifetime: "before the as-of date"
    }
  }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let window = Window(name: text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no window is called \(text)"))
    }
    self = window
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

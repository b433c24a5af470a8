package import Histories

/// Whom a queue takes: every condition must hold; none at all takes everybody. An account of which
/// the accounts file does not say what a condition asks is not taken.
package struct QueueRule: Sendable, Equatable {
  /// A span of numbers; a bound that is nil does not bind.
  package struct Span: Sendable, Equatable {
    package var atLeast: Double?
    package var atMost: Double?
    package var above: Double?
    package var below: Double?

    package init(
      atLeast: Double? = nil, atMost: Double? = nil, above: Double? = nil, below: Double? = nil
    ) {
      self.atLeast = atLeast
      self.atMost = atMost
      self.above = above
      self.below = below
    }

    func contains(_ number: Double?) -> Bool {
      guard let number else { return false }
      return number >= atLeast ?? -.infinity && number <= atMost ?? .infinity
        && (above.map { number > $0 } ?? true) && (below.map { number < $0 } ?? true)
    }
  }

  package enum Condition: Sendable, Equatable {
    case segment([String])
    case value(Span)
    /// The attribute's place in `AccountRecord.categorical` or `.numeric`.
    case categorical(Int, [String])
    case numeric(Int, Span)
  }

  package var conditions: [Condition]

  package init(_ conditions: [Condition] = []) { self.conditions = conditions }

  /// Whether the queue takes the account of this record, nil for one the accounts file lacks.
  package func fits(_ record: AccountRecord?) -> Bool {
    conditions.allSatisfy { condition in
      switch condition {
      case .segment(let names): names.has(record?.segment)
      case .value(let span): span.contains(record?.value)
      case .categorical(let place, let names): names.has(record?.categorical[place])
      case .numeric(let place, let span): span.contains(record?.numeric[place])
      }
    }
  }
}

extension [String] {
  /// By bytes: two spellings of one letter are two names.
  fileprivate func has(_ name: String??) -> Bool {
    guard let name, let name else { return false }
    return contains { $0.utf8.elementsEqual(name.utf8) }
  }
}

extension QueueRule {
  /// The names that a `where` may use.
  struct Attributes {
    var numeric: [String]
    var categorical: [String]
    /// Whether `[accounts]` maps `segment` and `value`.
    var segment = false
    var value = false

    init(numeric: [String], categorical: [String], accounts: ProjectValue?) {
      self.numeric = numeric
      self.categorical = categorical
      if case .table(let entries) = accounts {
        segment = entries.contains { $0.key == "segment" }
        value = entries.contains { $0.key == "value" }
      }
    }
  }

  /// Decodes `where`; a name that is no mapped attribute is a problem naming the nearest that is.
  init(_ table: ProjectTable, _ attributes: Attributes) {
    let names = ["segment", "value"] + attributes.categorical + attributes.numeric
    conditions = []
    for key in table.keys {
      if key == "segment" || key == "value" {
        if !(key == "segment" ? attributes.segment : attributes.value) {
          table.report(
            key, "`where` asks for `\(key)`, which [accounts] does not map: add \(key) = \"…\"")
        }
        if key == "segment" {
          conditions.append(.segment(Self.texts(table, key)))
        } else {
          conditions.append(.value(Self.span(table, key)))
        }
      } else if let place = attributes.categorical.firstIndex(of: key) {
        conditions.append(.categorical(place, Self.texts(table, key)))
      } else if let place = attributes.numeric.firstIndex(of: key) {
        conditions.append(.numeric(place, Self.span(table, key)))
      } else {
        let nearest = nearestName(to: key, among: names)
        table.report(
          key,
          "`where` asks for `\(key)`, which no account has"
            + (nearest.map { ": did you mean `\($0)`?" }
              ?? "; known: \(names.joined(separator: ", "))"))
      }
    }
  }

  /// One text or a list of them.
  private static func texts(_ table: ProjectTable, _ key: String) -> [String] {
    if case .string(let text) = table.value(key) { return [text] }
    guard let texts = table.strings(key) else { return [] }
    if texts.isEmpty { table.report(key, "`\(key)` is an empty list, which nobody fits") }
    return texts
  }

  private static func span(_ table: ProjectTable, _ key: String) -> Span {
    guard case .table(let entries) = table.value(key), !entries.isEmpty,
      let bounds = table.table(key)
    else {
      table.report(key, "`\(key)` in `where` wants bounds: write \(key) = { at_least = 1000 }")
      return Span()
    }
    bounds.allow(["at_least", "at_most", "above", "below"])
    return Span(
      atLeast: bounds.number("at_least"), atMost: bounds.number("at_most"),
      above: bounds.number("above"), below: bounds.number("below"))
  }
}

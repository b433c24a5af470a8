/// A value of a row in the store.
enum SQLValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)

  init(_ value: Int64?) { self = value.map(SQLValue.integer) ?? .null }
  init(_ value: Int) { self = .integer(Int64(value)) }
  init(_ value: Bool) { self = .integer(value ? 1 : 0) }
  init(_ value: Double?) { self = value.map(SQLValue.real) ?? .null }

  /// A text that a database keeps as it is: one with a NUL would end there.
  init(_ text: String?) throws(OutreachError) {
    guard let text else {
      self = .null
      return
    }
    if text.utf8.contains(0) {
      throw .dataContract(
        "an id, a name or a path has a NUL byte in it, which the store cannot keep: take it out of "
          + "the accounts file or the project file")
    }
    self = .text(text)
  }
}

/// A row as it was read. What is not of the type asked for means that the store is damaged.
struct SQLRow: Sendable {
  let values: [SQLValue]

  func integer(_ column: Int) throws(OutreachError) -> Int64 {
    guard case .integer(let value) = values[column] else { throw Self.damaged }
    return value
  }

  func optionalInteger(_ column: Int) throws(OutreachError) -> Int64? {
    values[column] == .null ? nil : try integer(column)
  }

  func int(_ column: Int) throws(OutreachError) -> Int { Int(try integer(column)) }

  func bool(_ column: Int) throws(OutreachError) -> Bool { try integer(column) != 0 }

  func optionalReal(_ column: Int) throws(OutreachError) -> Double? {
    switch values[column] {
    case .null: return nil
    case .real(let value): return value
    case .integer(let value): return Double(value)
    case .text: throw Self.damaged
    }
  }

  func real(_ column: Int) throws(OutreachError) -> Double {
    guard let value = try optionalReal(column) else { throw Self.damaged }
    return value
  }

  func optionalText(_ column: Int) throws(OutreachError) -> String? {
    switch values[column] {
    case .null: return nil
    case .text(let text): return text
    case .integer, .real: throw Self.damaged
    }
  }

  func text(_ column: Int) throws(OutreachError) -> String {
    guard let text = try optionalText(column) else { throw Self.damaged }
    return text
  }

  static let damaged = OutreachError.dataContract(
    "the store holds what cannot be read: restore it from a backup")
}

/// A connection inside a transaction. Statements are `StoreSQL`'s, with `?` where values go.
protocol StoreConnection {
  /// How many rows it changed.
  @discardableResult
  func execute(_ sql: String, _ values: [SQLValue]) throws -> Int
  func rows(_ sql: String, _ values: [SQLValue]) throws -> [SQLRow]
}

extension StoreConnection {
  @discardableResult
  func execute(_ sql: String) throws -> Int { try execute(sql, []) }
  func rows(_ sql: String) throws -> [SQLRow] { try rows(sql, []) }
  func row(_ sql: String, _ values: [SQLValue] = []) throws -> SQLRow? {
    try rows(sql, values).first
  }
}

/// One SQL database behind the store. What goes wrong in the database comes out as an
/// `OutreachError`, what a body throws as it is; either way nothing of its transaction stays.
protocol StoreDatabase: Sendable {
  var dialect: Dialect { get }
  /// For messages; never with a password in it.
  var name: String { get }

  /// Takes the bytes of what was deleted out of the database's own files, as far as it can.
  func forget() throws

  func reading<Value>(_ body: (any StoreConnection) throws -> Value) throws -> Value

  /// `alone`: no other transaction that asks for it runs at the same time. Such a body may be run
  /// again where the connection broke, so it must look first whether its work is done.
  func writing<Value>(
    alone: Bool, _ body: (any StoreConnection) throws -> Value
  ) throws -> Value
}

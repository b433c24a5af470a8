/// What makes a row unusable. The text is made where it is told.
enum RowProblem: Error, Equatable {
  case fields(found: Int, expected: Int)
  case quote
  case empty(key: String)
  case tooLong(key: String)
  case notText(key: String)
  case notTime(key: String, format: String)
  case notNumber(key: String)
  case notWholeNumber(key: String)
  case notBoolean(key: String)
  case notZone(key: String)
  case notCallTimes(key: String)
  case tooManyNames(key: String, limit: Int)

  var text: String {
    switch self {
    case .fields(let found, let expected): "\(found) fields, the header has \(expected)"
    case .quote: "something stands between a closing quote and the next comma"
    case .empty(let key): "\(key) is empty"
    case .tooLong(let key): "\(key) is longer than 256 bytes"
    case .notText(let key): "\(key) is not UTF-8 or holds a NUL byte"
    case .notTime(let key, let format): "\(key) is not a time that exists, written as \(format)"
    case .notNumber(let key): "\(key) is not a finite decimal number"
    case .notWholeNumber(let key): "\(key) is not a whole number"
    case .notBoolean(let key): "\(key) is none of true, false, yes, no, 1, 0"
    case .notZone(let key): "\(key) is no time zone, such as Europe/Berlin"
    case .notCallTimes(let key):
      "\(key) is no list of call times, such as \"mon-fri 17:00-19:00; 2026-03-04 15:00-15:30\""
    case .tooManyNames(let key, let limit): "\(key) has more than \(limit) different values"
    }
  }
}

/// A bad row as its worker keeps it, until the lines of earlier chunks are known.
struct BadRowDraft {
  var lineInChunk: Int
  var what: RowProblem
  var bytes: [UInt8]
}

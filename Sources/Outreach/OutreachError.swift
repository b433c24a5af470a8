/// What can go wrong between flags and worked cases. Messages name the store, what was expected
/// and what to do; an account's id only where the user gave it.
package enum OutreachError: Error, CustomStringConvertible, Equatable {
  /// What was asked contradicts what is published already.
  case refused(String)
  /// There is no store, or no such case in it.
  case missing(String)
  /// The store is there and is none of ours, or a newer Tacit's; or a text cannot be kept.
  case dataContract(String)
  /// The store cannot be made, opened or written.
  case unusable(String)
  /// The server behind the store, or the way to it, is down.
  case service(String)
  /// Reading or writing the store failed half-way; its transaction was rolled back.
  case inputOutput(String)
  /// Another run holds the store.
  case locked(String)

  package var description: String {
    switch self {
    case .refused(let text), .missing(let text), .dataContract(let text), .unusable(let text),
      .service(let text), .inputOutput(let text), .locked(let text):
      text
    }
  }

  /// The exit status of DESIGN 7.
  package var exitStatus: Int32 {
    switch self {
    case .refused: 64
    case .missing: 66
    case .dataContract: 65
    case .service: 69
    case .unusable: 73
    case .inputOutput: 74
    case .locked: 75
    }
  }
}

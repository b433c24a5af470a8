import Crypto
import Foundation

/// The lot of an experiment: SHA-256 of the experiment's seed and an account's id, so that it is the same
/// on every night, whatever the order of accounts, and another with another seed (DESIGN 5.14).
package struct OutreachLot: Sendable {
  private let holdout: SHA256
  private let exploration: SHA256

  package init(seed: String) {
    func begun(_ purpose: String) -> SHA256 {
      var hasher = SHA256()
      hasher.update(data: Data("\(seed)\u{1F}\(purpose)\u{1F}".utf8))
      return hasher
    }
    holdout = begun("holdout")
    exploration = begun("exploration")
  }

  /// Whether the account is left alone, with a chance of `share`.
  package func isHeldOut(_ account: String, share: Double) -> Bool {
    Self.number(holdout, account) < share
  }

  /// Places of the accounts in the order in which exploration takes them. O(n log n).
  package func order(_ accounts: [String]) -> [Int] {
    let keys = accounts.map { Self.number(exploration, $0) }
    return accounts.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
  }

  /// Uniform in [0, 1): the first 53 bits.
  private static func number(_ begun: SHA256, _ account: String) -> Double {
    var hasher = begun
    var account = account
    account.withUTF8 { hasher.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    let bits = hasher.finalize().prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Double(bits >> 11) * 0x1p-53
  }
}

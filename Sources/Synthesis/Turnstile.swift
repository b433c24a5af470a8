import Foundation

/// Lets stripes through in order, whichever thread made them, and keeps the first error.
///
/// `@unchecked Sendable`: every field is read and written under `condition`'s lock only.
package final class Turnstile: @unchecked Sendable {
  private let condition = NSCondition()
  private var turn = 0
  private var summary = SyntheticBase.Summary()
  private var failure: SynthesisError?

  package init() {}

  /// Waits for its turn, then runs `body` unless an earlier one failed.
  package func pass(
    _ stripe: Int, adding part: SyntheticBase.Summary, _ body: () throws(SynthesisError) -> Void
  ) {
    condition.lock()
    defer { condition.unlock() }
    while turn != stripe { condition.wait() }
    if failure == nil {
      do {
        try body()
      } catch {
        failure = error
      }
    }
    summary.accounts += part.accounts
    summary.events += part.events
    summary.spoke += part.spoke
    summary.detractors += part.detractors
    summary.detractorsWhoSpoke += part.detractorsWhoSpoke
    turn += 1
    condition.broadcast()
  }

  /// What all passes added up to, or the first error.
  package func result() throws(SynthesisError) -> SyntheticBase.Summary {
    if let failure { throw failure }
    return summary
  }
}

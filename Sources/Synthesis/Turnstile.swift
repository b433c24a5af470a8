import Foundation

/// Lets stripes through in order, whichever thread made them, and keeps the first error.
///
/// `@unchecked Sendable`: every field is read and written under `condition`'s lock only.
final class Turnstile: @unchecked Sendable {
  private let condition = NSCondition()
  private var turn = 0
  private var summary = SyntheticBase.Summary()
  private var failure: SynthesisError?

  /// Waits for its turn, then runs `body` unless an earlier one failed.
  func pass(
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

  func result() throws(SynthesisError) -> SyntheticBase.Summary {
    if let failure { throw failure }
    return summary
  }
}

import Detraction
import Histories
import Testing

/// The one rule of silence, at its edges.
@Suite struct SilenceTests {
  static let t = Instant(iso8601: Array("2026-03-01T00:00:00Z".utf8)[...], zone: nil)!

  private func voice(_ spoken: [(days: Double, knownDays: Double)]) -> Voice {
    func ago(_ days: Double) -> Instant {
      Instant(
        microseconds: Self.t.microseconds - Int64(days * Double(Instant.microsecondsPerDay)))
    }
    let feedback = spoken.map {
      HistoryBase.Feedback(
        at: ago($0.days), knownAt: ago($0.knownDays), kindIndex: 0, kind: "nps", value: 9)
    }
    return SilenceRule(silentForDays: 180).voice(of: feedback, at: Self.t)
  }

  @Test func atTheEdges() {
    #expect(voice([]) == .neverSpoken)
    #expect(voice([(180, 180)]) == .recent, "the window holds its first instant")
    #expect(voice([(180.001, 180)]) == .lapsed)
    #expect(voice([(0, 0)]) == .neverSpoken, "an event at t is not seen at t")
    #expect(voice([(0.001, 0.001)]) == .recent)
    #expect(voice([(10, 0)]) == .neverSpoken, "not known before t: not spoken, as far as t knows")
    #expect(voice([(10, -5)]) == .neverSpoken)
    #expect(voice([(400, 399), (10, -1)]) == .lapsed)
  }
}

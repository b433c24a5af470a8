package import Histories

/// Stretches of time in order: ascending, disjoint, none of them empty.
package struct TimeSpans: Sendable, Equatable {
  package private(set) var spans: [Range<Instant>]

  /// Any stretches, in any order; those that overlap or touch become one. O(n log n).
  package init(_ any: [Range<Instant>] = []) {
    spans = []
    for span in any.sorted(by: { $0.lowerBound < $1.lowerBound }) where !span.isEmpty {
      if let last = spans.last, span.lowerBound <= last.upperBound {
        spans[spans.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
      } else {
        spans.append(span)
      }
    }
  }

  /// The place of the first stretch that ends after `instant`; `spans.count` with none. O(log n).
  func place(endingAfter instant: Instant) -> Int {
    var low = 0
    var high = spans.count
    while low < high {
      let middle = (low + high) / 2
      if spans[middle].upperBound <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The stretch that holds `instant`. O(log n).
  func span(at instant: Instant) -> Range<Instant>? {
    let place = place(endingAfter: instant)
    return place < spans.count && spans[place].contains(instant) ? spans[place] : nil
  }

  /// What of `stretch` is in none of the spans, ascending. O(log n + those it meets).
  func remainder(of stretch: Range<Instant>) -> [Range<Instant>] {
    var left: [Range<Instant>] = []
    var from = stretch.lowerBound
    var place = place(endingAfter: from)
    while place < spans.count, spans[place].lowerBound < stretch.upperBound {
      if spans[place].lowerBound > from { left.append(from..<spans[place].lowerBound) }
      from = spans[place].upperBound
      place += 1
    }
    if from < stretch.upperBound { left.append(from..<stretch.upperBound) }
    return left
  }
}

extension Instant {
  /// This instant moved by a duration, to the microsecond below.
  package func adding(_ duration: Duration) -> Instant {
    let (seconds, attoseconds) = duration.components
    return Instant(
      microseconds: microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
  }

  /// The time from `other` to this instant; negative when it comes before.
  package func time(since other: Instant) -> Duration {
    .microseconds(microseconds - other.microseconds)
  }
}

import Foundation
import TestSupport

extension SplitMix64 {
  /// Standard normal (Box and Muller).
  mutating func normal() -> Double {
    (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
  }
}

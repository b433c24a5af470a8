import Foundation
import Learning
import TestSupport
import Testing

@Suite struct SigmoidKernelTests {
  @Test func agreesWithFoundation() {
    var random = SplitMix64(17)
    var worst = (sigmoid: 0.0, softplus: 0.0)
    var points = (0..<200_000).map { _ in 12 * random.normal() }
    points += stride(from: -700, through: 700, by: 0.37)
    points += [0, -0.0, 1e-300, -1e-300, 0.34657359, 0.88137358, -0.88137359, 36.7, -36.7]
    for t in points {
      let sigmoid = t >= 0 ? 1 / (1 + exp(-t)) : exp(t) / (1 + exp(t))
      let softplus = max(t, 0) + log1p(exp(-abs(t)))
      worst.sigmoid = max(worst.sigmoid, abs(SigmoidKernel.sigmoid(t) / sigmoid - 1))
      worst.softplus = max(worst.softplus, abs(SigmoidKernel.softplus(t) / softplus - 1))
    }
    // Two units in the last place of exp and log1p, and one each of the operations around them.
    #expect(worst.sigmoid < 4 * Double.ulpOfOne)
    #expect(worst.softplus < 4 * Double.ulpOfOne)
  }

  @Test func farOut() {
    #expect(SigmoidKernel.sigmoid(1000) == 1)
    #expect(SigmoidKernel.sigmoid(-1000) == 0)
    #expect(SigmoidKernel.softplus(1000) == 1000)
    #expect(SigmoidKernel.softplus(-1000) == 0)
    #expect(SigmoidKernel.sigmoid(0) == 0.5)
    #expect(abs(SigmoidKernel.softplus(0) - log(2)) < 1e-16)
  }
}

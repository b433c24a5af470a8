/// exp, log1p and what a logistic row needs of them, two rows at a time (the width every x86-64 and arm64 has).
///
/// Written with plain SIMD operations of Swift, so that every processor gives the same bits; no
/// fused multiply-add and no library call inside. Errors below 2 units in the last place (tested
/// against Foundation).
package enum SigmoidKernel {
  typealias Lanes = SIMD2<Double>

  /// exp(x) for x <= 0; 0 below -708.
  ///
  /// x = n ln 2 + r with |r| <= ln(2)/2; exp(r) = 1 + 2 r P(r²) / (Q(r²) - r P(r²)).
  /// Source: Cephes, double/exp.c (Moshier).
  @inline(__always)
  static func expNonPositive(_ x: Lanes) -> Lanes {
    let clamped = x.replacing(with: -708, where: x .< -708)
    // Adding 1.5 · 2⁵² rounds to a whole number, whose low bits are then the integer.
    let magic = Lanes(repeating: 0x1.8p52)
    let shifted = clamped * 1.4426950408889634 + magic
    let n = shifted - magic
    let r = (clamped - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6
    let z = r * r
    var p = z * 1.26177193074810590878e-4 + 3.02994407707441961300e-2
    p = (p * z + 9.99999999999999999910e-1) * r
    var q = z * 3.00198505138664455042e-6 + 2.52448340349684104192e-3
    q = q * z + 2.27265548208155028766e-1
    q = q * z + 2.0
    let e = p / (q - p)
    let mantissa = 1 + (e + e)
    let bits = unsafeBitCast(shifted, to: SIMD2<Int64>.self)
    let power = (bits &+ 1023) &<< 52
    let result = mantissa * unsafeBitCast(power, to: Lanes.self)
    return result.replacing(with: 0, where: x .< -708)
  }

  /// log(1 + u) for 0 <= u <= 1.
  ///
  /// Above √2 - 1, 1 + u is halved and ln 2 added. log(1 + f) = s (2 + R(s²)), s = f / (2 + f).
  /// Coefficients: fdlibm e_log.c (Sun), error of R below 2^-58.45.
  @inline(__always)
  static func log1pUnit(_ u: Lanes) -> Lanes {
    let high = u .> 0.41421356237309503
    let f = u.replacing(with: (u - 1) * 0.5, where: high)
    let s = f / (f + 2)
    let z = s * s
    let w = z * z
    var even = w * Lanes(repeating: 1.531383769920937332e-1)
    even = (even + Lanes(repeating: 2.222219843214978396e-1)) * w
    even = (even + Lanes(repeating: 3.999999999940941908e-1)) * w
    var odd = w * Lanes(repeating: 1.479819860511658591e-1)
    odd = (odd + Lanes(repeating: 1.818357216161805012e-1)) * w
    odd = (odd + Lanes(repeating: 2.857142874366239149e-1)) * w
    odd = (odd + Lanes(repeating: 6.666666666666735130e-1)) * z
    let series = s * (2 + (even + odd))
    return series.replacing(with: series + 0.6931471805599453, where: high)
  }

  /// Two rows of the logistic loss at the linear predictor `eta`, each times its weight.
  ///
  /// loss = softplus(eta) - y eta; residual = sigmoid(eta) - y = d loss / d eta;
  /// curvature = p (1 - p) = d² loss / d eta².
  @inline(__always)
  static func rows(
    eta: Lanes, label: Lanes, weight: Lanes
  ) -> (loss: Lanes, residual: Lanes, curvature: Lanes) {
    let positive = eta .>= 0
    let u = expNonPositive(eta.replacing(with: -eta, where: positive))
    let inverse = 1 / (1 + u)
    let small = u * inverse
    let probability = small.replacing(with: inverse, where: positive)
    let hinge = Lanes(repeating: 0).replacing(with: eta, where: positive)
    let loss = (hinge - label * eta) + log1pUnit(u)
    return (weight * loss, weight * (probability - label), weight * (small * inverse))
  }

  /// 1 / (1 + exp(-eta)).
  package static func sigmoid(_ eta: Double) -> Double { sigmoid(Lanes(repeating: eta))[0] }

  /// The same of two rows.
  @inline(__always)
  static func sigmoid(_ eta: Lanes) -> Lanes {
    let positive = eta .>= 0
    let u = expNonPositive(eta.replacing(with: -eta, where: positive))
    let numerator = u.replacing(with: 1, where: positive)
    return numerator / (1 + u)
  }

  /// softplus(eta) = log(1 + exp(eta)), without overflow.
  package static func softplus(_ eta: Double) -> Double {
    max(eta, 0) + log1pUnit(expNonPositive(Lanes(repeating: -abs(eta))))[0]
  }
}

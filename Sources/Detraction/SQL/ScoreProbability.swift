import Learning

/// From a logit to a probability in SQL: an exhaustive printer over `ScoreCalibration`.
struct ScoreProbability {
  let calibration: ScoreCalibration
  /// Added to the calibrated logit.
  var offset: Double?
  let dialect: SQLDialect

  private var calibrated: String { dialect.identifier("tacit calibrated") }
  private var polygon: String { dialect.identifier("tacit polygon") }

  /// The stages after which `probability` can be computed.
  func stages(logit: String) -> [[ScoreColumns.Added]] {
    func number(_ value: Double) -> String { SQLText.literal(value) }
    let shift = offset.map { " + \(number($0))" } ?? ""
    switch calibration {
    case .none:
      return [[(calibrated, "\(logit)\(shift)")]]
    case .platt(let slope, let intercept):
      return [[(calibrated, "\(number(slope)) * \(logit) + \(number(intercept))\(shift)")]]
    case .beta(let a, let b, let c):
      return [
        [
          (
            calibrated,
            "\(number(c)) - \(number(a)) * \(Self.softplus("(-\(logit))")) + \(number(b)) "
              + "* \(Self.softplus(logit))\(shift)"
          )
        ]
      ]
    case .isotonic(let knots):
      let ramps = knots.ramps.map {
        "\(number($0.slope)) * (LEAST(GREATEST(\(logit), \(number($0.from))), \(number($0.to))) "
          + "- \(number($0.from)))"
      }
      // Between the outer knots, so that rounding makes no 0 or 1 of it.
      let (first, last) = (
        knots.probabilities[0], knots.probabilities[knots.probabilities.count - 1]
      )
      let sum = SQLText.sum([number(first)] + ramps)
      return [
        [(polygon, "LEAST(GREATEST(\(sum), \(number(first))), \(number(last)))")],
        [(calibrated, "LN(\(polygon) / (1e0 - \(polygon)))\(shift)")],
      ]
    }
  }

  /// Without overflow: EXP of nothing above 0.
  var probability: String {
    "CASE WHEN \(calibrated) >= 0e0 THEN 1e0 / (1e0 + EXP(-\(calibrated))) "
      + "ELSE EXP(\(calibrated)) / (1e0 + EXP(\(calibrated))) END"
  }

  /// log(1 + exp(x)).
  private static func softplus(_ x: String) -> String {
    "(GREATEST(\(x), 0e0) + LN(1e0 + EXP(-ABS(\(x)))))"
  }
}

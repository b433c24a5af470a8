/// What a back-test holds its findings against: set before any result was seen, and the same for
/// every base.
package enum BacktestRule {
  /// With fewer silenced detractors (customers, all dates together) nothing is claimed. Nor is it
  /// where the 95 % interval of the lift holds 1.
  package static let leastSilenced = 10

  /// A feature that ranks the training rows so well by itself is a suspect: nobody has shown more
  /// than 0.9 for dissatisfaction (METHODS 5.1).
  package static let suspectArea = 0.9
  /// Beyond this it is a leak, and the back-test is refused, where the lower end of its 95 % interval
  /// is above `suspectArea` too (so that ten rows cannot do it by chance) and it either keeps less
  /// than `leastKept` of its area above ½ with features `shiftDays` older, or has no date that it
  /// could be shifted by (an attribute of an accounts file without `known_at`).
  package static let leakArea = 0.95
  package static let leastKept = 0.5
  package static let shiftDays = 30
  /// The whole model with features from days before the origin: its area should fall smoothly.
  /// It is a suspect where it keeps less than `leastKept` of its area above ½ at `shiftDays`, by a
  /// paired interval that does not hold 0.
  package static let shifts = [7, 30, 90]
  /// A source feature with more than this share of the variance of the logit is a suspect.
  package static let varianceShare = 0.6

  /// Origins by default, at most.
  package static let mostOrigins = 6
  /// The least horizon for first words, in days; three label windows where those are longer.
  package static let leastHorizonDays = 90
  /// Known detractors moved into the silent pool, and how often that is drawn anew.
  package static let maskedShare = 0.25
  package static let maskings = 20
  /// Silent accounts that the masked are ranked among, at most: every so-manieth of them.
  package static let mostPool = 20_000
  /// Label permutations.
  package static let permutations = 200
  /// Rows of either label that single features are judged by, at most.
  package static let mostRowsOfClass = 2_000
  /// Resamplings behind an interval that is not exact.
  package static let replicates = 1_000
}

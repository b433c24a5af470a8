import Foundation

/// A logistic model with shapes: its design, its fit, and what was tried on the way.
///
/// What is chosen with labels (penalty, shapes or not, pairs) is chosen by the loss of rows held out;
/// pairs are looked for in each fold's own training rows. What looks at x alone (cleaning, knots,
/// levels, means and scales) is common to all folds.
package struct ShapedFit: Sendable, Codable {
  /// One candidate, with the loss of rows held out.
  package struct Trial: Sendable, Codable, Equatable {
    package enum Kind: String, Sendable, Codable {
      /// Plain columns, heavy tails as logarithms.
      case plain
      /// Shaped columns.
      case shapes
      /// Shaped columns and products of two of them.
      case pairs
    }

    package let kind: Kind
    /// Product columns asked for.
    package let pairs: Int
    /// λ of the columns, and of the products.
    package let lambda: Double
    package let pairLambda: Double
    /// Weighted mean log loss of rows held out.
    package let logLoss: Double
    /// The same after the best intercept and slope for all held-out logits, which is what candidates
    /// are compared by: calibration comes after.
    package let calibratedLoss: Double
    /// How much better than the model kept so far (first: than nothing, 0), and the standard error of
    /// that over rows.
    package let gain: Double
    package let standardError: Double
  }

  package let design: Design
  /// On the design's columns, pairs last.
  package let fit: LogisticFit
  /// Every row's logit (its offset included) from the fold that had not seen it.
  package let outOfFoldLogits: [Double]
  /// In the order they were tried.
  package let trials: [Trial]
  /// Which of them was kept.
  package let kept: Int
}

/// The constants of the recipe.
enum ShapeRecipe {
  /// λ from strong to weak, half decades.
  static let lambdas = (0...10).map { pow(10, -0.5 * Double($0)) }
  static let pairLambdas = (0...6).map { pow(10, -0.5 * Double($0)) }
  /// Times that sources' penalties are adapted, at most, and the multiples of λ tried then.
  static let adaptations = 3
  static let adaptedSteps = (0...6).map { pow(10, 1 - 0.5 * Double($0)) }
  /// Steps are jumps: harder to have than a slope.
  static let stepFactor = 8.0
  /// Products tried: how many, and how many at most of the same two sources. More are tried only
  /// while they pay.
  static let ladder: [(count: Int, perSources: Int)] = [
    (count: 64, perSources: 10), (256, 10), (1024, 40), (2048, 160),
  ]
  /// Score statistics below it are not worth a column.
  static let pairThreshold = 2.0
  /// Rows times products.
  static let mostProducts = 100_000_000
}

/// Fits shapes and pairs where they pay (see `ShapedFit`).
///
/// `folds` gives every row's fold, 0 ..< K, so that the caller can keep an account's rows together.
/// `mostPairs`: products that a model may have. The same input gives the same bits with any number of
/// threads, and whatever `mostKept`, the bytes of a design's columns above which they are made anew in
/// every pass. Memory: those, and a Hessian in float32 for each fold. Throws as `Design.init` and
/// `LogisticData.init`, and `foldWithoutClass`, `notConverged`. O(rows × columns²) a few times.
package func fitShaped(
  _ raw: Matrix, sources: [DesignSource], labels: [Double], weights: [Double]? = nil,
  offsets: [Double]? = nil, folds: [Int], mostPairs: Int = .max, mostKept: Int = 64_000_000,
  threads: Int = ProcessInfo.processInfo.activeProcessorCount,
  progress: (ShapedFit.Trial) -> Void = { _ in }
) throws(LearningError) -> ShapedFit {
  let data = try LogisticData(
    raw, labels: labels, weights: weights, offsets: offsets, threads: threads)
  let rows = try FoldedRows(data, folds: folds)
  var search = ShapeSearch(raw: raw, rows: rows, mostKept: mostKept, threads: threads)
  var plain = search.mains(
    .plain,
    try Design(fitting: raw, sources: sources, weights: weights, threads: threads), progress)
  var shaped = search.mains(
    .shapes,
    try Design(fitting: raw, sources: sources, shapes: .auto, weights: weights, threads: threads),
    progress)
  // The one that is clearly behind is not worth more trials.
  let (gain, error) = shaped.loss.gain(over: plain.loss, rows)
  if gain < 2 * error { plain = search.adapted(plain, progress) }
  if gain > -2 * error { shaped = search.adapted(shaped, progress) }
  let mains = shaped.loss.mean < plain.loss.mean ? shaped : plain
  search.kept = mains.trial
  let best = search.pairs(of: mains, atMost: mostPairs, progress)
  return try search.finished(best, data)
}

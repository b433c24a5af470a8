import Foundation

/// A model of a class of which only some members are labelled and no other row is: P(labelled | x) =
/// P(class | x) P(labelled | class, x), both logistic in the same columns.
///
/// The two factors may change places without changing the likelihood; which one is the class is
/// settled by where the iterations start (labelled against all, at even weights). That, a flat
/// likelihood and an edge of it are what `doubts` are about: with any, neither level nor ranking
/// should be acted on without answers that show the class itself.
package struct PositiveUnlabelled: Sendable {
  package enum Method: String, Sendable, Codable {
    /// The chance of being labelled depends on the columns (Bekker, Robberechts & Davis 2019).
    case sarEM
    /// It is one number for all of the class (Teisseyre, Mielniczuk & Łazęcka 2020).
    case joint
  }

  /// A logit: intercept + Σ coefficients_j x_j.
  package struct Factor: Sendable, Codable, Equatable {
    package let coefficients: [Double]
    package let intercept: Double

    /// Of every row. O(rows × columns).
    package func logits(_ x: Matrix, threads: Int = 1) -> [Double] {
      x.linearPredictors(coefficients: coefficients, intercept: intercept, threads: threads)
    }
  }

  /// Why the split into class and labelling is not to be trusted.
  package enum Doubt: Sendable, Codable, Equatable, CustomStringConvertible {
    /// The data fit a class that is labelled without exception as well: p of that.
    case everyLabelFits(p: Double)
    /// The share of the class that the likelihood allows runs from one to the other, at 95 %.
    case flat(low: Double, high: Double)
    /// The share of the class that is labelled lies at an edge.
    case edge(labelledShare: Double)
    /// Both factors rank the rows nearly alike, by this correlation of their logits.
    case alike(correlation: Double)
    /// The fit with one chance for all is the better founded, yet the chance depends on the columns:
    /// p of that not being so.
    case labellingDepends(p: Double)
    case notConverged(iterations: Int)

    package var description: String {
      switch self {
      case .everyLabelFits(let p):
        "the data would fit as well if every member of the class were labelled (p = \(p)): how many "
          + "are not cannot be told"
      case .flat(let low, let high):
        "the likelihood is flat: the class may be \(low) to \(high) of all rows"
      case .edge(let share): "the share of the class that is labelled lies at an edge: \(share)"
      case .alike(let correlation):
        "what makes a member and what makes it labelled rank rows alike (correlation "
          + "\(correlation)): they cannot be told apart"
      case .labellingDepends(let p):
        "whether a member is labelled depends on the columns (p = \(p)), yet in a way that cannot be "
          + "told from the class"
      case .notConverged(let iterations): "not converged after \(iterations) iterations"
      }
    }
  }

  package let method: Method
  package let classifier: Factor
  /// Of being labelled, for members of the class; its coefficients are 0 for `joint`.
  package let propensity: Factor
  /// Share of the class among all rows, with its 95 % interval (by the delta method from the outer
  /// products of scores); without interval where they have no inverse.
  package let prevalence: Evaluation.Estimate
  /// Mean observed log-likelihood of this fit.
  package let logLikelihood: Double
  package let iterations: Int
  package let doubts: [Doubt]
  /// Of the classifier's coefficients, intercept last: (columns + 1)² numbers.
  package let covariance: Matrix

  package var isIdentified: Bool { doubts.isEmpty }
}

/// Fits both methods and takes SAR-EM where the chance of being labelled depends on the columns beyond
/// chance (likelihood ratio, p ≤ 0.0001: with factors that may change places it is larger by chance than
/// its distribution says) and its split can be told; else the joint fit.
///
/// `data.labels` are 1 for labelled rows, 0 for the rest, whatever these are. `parameters` are those of
/// each M-step's fit. Expectation: a row not labelled belongs to the class with
/// f (1 − e) / (1 − f e). Maximisation: e from the labels of rows weighted by it, f from it as a soft
/// label (the same as every row twice, once with either label). The start is that of
/// ML-KULeuven/SAR-PU, `sarpu/pu_learning.py`; its rule stops by slopes of 1e-4, where labelling by lot
/// still drifts after 500 steps, so that steps are extrapolated here and go on until one gains less
/// than 0.001 in log-likelihood, 500 at most.
///
/// Throws as `fitLogistic`, `labelOutOfRange`, and `badParameter` for offsets.
/// O(iterations × rows × columns), and a Gram now and then.
package func fitPositiveUnlabelled(
  _ data: LogisticData, parameters: LogisticParameters
) throws(LearningError) -> PositiveUnlabelled {
  for (row, label) in data.labels.enumerated() where label != 0 && label != 1 {
    throw .labelOutOfRange(row: row, value: label)
  }
  guard data.offsets == nil else {
    throw .badParameter(name: "offsets", value: 1, needed: "none")
  }
  var naive = SoftFit(parameters)
  let plain = try naive.fit(data, labels: data.labels, weights: data.weights)
  let always = LabellingState(classLogits: plain, propensityLogits: nil)
  let joint = try LabellingEM(data, parameters, dependsOnColumns: false)
  let sar = try LabellingEM(data, parameters, dependsOnColumns: true)
  let gain = { (a: Double, b: Double) in max(0, 2 * data.weightSum * (a - b)) }
  // At an edge half of the chance lies on nothing (Chernoff 1954).
  let everyLabel =
    0.5
    * (1
      - ChiSquare.cumulative(
        gain(joint.logLikelihood, always.logLikelihood(data)), degrees: 1))
  let depends =
    1
    - ChiSquare.cumulative(
      gain(sar.logLikelihood, joint.logLikelihood), degrees: data.x.columns)
  let mostByChance = 1e-4
  let sarDoubts = sar.doubts(data)
  if depends <= mostByChance, sarDoubts.isEmpty { return sar.result(data, .sarEM, doubts: []) }
  var doubts = joint.doubts(data)
  if everyLabel > 0.01 { doubts.insert(.everyLabelFits(p: everyLabel), at: 0) }
  if depends <= mostByChance { doubts = [.labellingDepends(p: depends)] + sarDoubts + doubts }
  return joint.result(data, .joint, doubts: doubts)
}

/// Fits by one method, whatever the other would have found: for folds of a fit whose method is settled.
/// Its doubts are those of that method alone. As the other in all else.
package func fitPositiveUnlabelled(
  _ data: LogisticData, parameters: LogisticParameters, method: PositiveUnlabelled.Method
) throws(LearningError) -> PositiveUnlabelled {
  let fit = try LabellingEM(data, parameters, dependsOnColumns: method == .sarEM)
  return fit.result(data, method, doubts: fit.doubts(data))
}

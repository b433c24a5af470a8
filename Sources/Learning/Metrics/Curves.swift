/// A point of the cumulative gains and ROC curves: calling the rows at or above a score.
package struct CurvePoint: Sendable, Equatable {
  /// Share of all weight that is called.
  package let called: Double
  /// Share of positives among them: recall, the true positive rate.
  package let found: Double
  /// Share of negatives called, the false positive rate.
  package let falseFound: Double
}

extension Evaluation {
  /// Both curves from (0, 0, 0) to (1, 1, 1), a point a score; where there are many scores, the first
  /// one beyond each step of 1/`resolution` of the rows called or of the positives found. O(rows).
  package func curve(of forecast: Int = 0, resolution: Int = 500) -> [CurvePoint] {
    var points = [CurvePoint(called: 0, found: 0, falseFound: 0)]
    var (called, found) = (0.0, 0.0)
    var (calledStep, foundStep) = (0, 0)
    for row in ranked[forecast].rows {
      called += row.weight
      if row.isPositive { found += row.weight }
      guard row.endsScore else { continue }
      let steps = (
        Int(called / total * Double(resolution)), Int(found / positives * Double(resolution))
      )
      guard steps != (calledStep, foundStep) else { continue }
      (calledStep, foundStep) = steps
      points.append(
        CurvePoint(
          called: called / total, found: found / positives,
          falseFound: (called - found) / (total - positives)))
    }
    if points[points.count - 1] != CurvePoint(called: 1, found: 1, falseFound: 1) {
      points.append(CurvePoint(called: 1, found: 1, falseFound: 1))
    }
    return points
  }
}

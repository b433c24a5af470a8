/// The gate that a version passes to become the champion.
package enum Promotion {
  /// Why a challenger may not become the champion, with the number; nil where it may. `comparison`
  /// is nil where there is no champion to be held against, or nothing was compared yet.
  ///
  /// - A grade D does not promote.
  /// - A version without a grade promotes only where there is no champion.
  /// - A challenger significantly worse than the champion on rows fair to both does not promote.
  package static func refusal(
    _ challenger: ModelVersion, hasChampion: Bool, comparison: ModelComparison?
  ) -> String? {
    let version = challenger.version
    if challenger.model.grading?.grade == .D {
      let reasons = challenger.model.grading?.reasons.joined(separator: "; ") ?? ""
      return "version \(version) is graded D and D does not promote: \(reasons)"
    }
    if challenger.model.grading == nil, hasChampion {
      return "version \(version) has no grade, from before there were any: train it anew"
    }
    guard let comparison, comparison.verdict == .worse else { return nil }
    return "version \(version) is significantly worse than the champion \(comparison.champion) "
      + comparison.summary
  }
}

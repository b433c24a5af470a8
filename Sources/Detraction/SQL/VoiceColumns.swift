import Histories

/// Who spoke, and who was asked.
extension FeatureColumns {
  /// The columns voice and asked by the silence rule, called, events and ordinary (see
  /// `FeatureSQL.stages`). `roles`: of kinds; `watched`: of which called tells.
  mutating func voice(
    _ roles: [String: KindRole], silentForDays: Int, watched: FeatureSQL.Watched?
  ) -> [String] {
    let newest = kinds.name(of: "max(\(at))")
    let rows = kinds.name(of: "count(*)")
    func kindsOf(_ role: KindRole) -> [String] {
      roles.filter { $0.value == role }.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    func newestOf(_ names: [String]) -> String? {
      names.isEmpty ? nil : people.name(of: filtered("max(\(newest))", [among(names)]))
    }
    let (spoken, asked) = (newestOf(kindsOf(.feedback)), newestOf(kindsOf(.mechanics)))
    let others = kindsOf(.feedback) + kindsOf(.mechanics)
    let ordinary = people.name(
      of: filtered("sum(\(rows))", others.isEmpty ? [] : ["NOT \(among(others))"]))
    let all = people.name(of: "sum(\(rows))")
    var called = "FALSE"
    if let watched, !watched.kinds.isEmpty {
      let known = kinds.name(of: "max(known_at)")
      let last = people.name(of: filtered("max(\(known))", [among(watched.kinds)]))
      called = "coalesce(\(last) >= \(watched.since.microseconds), FALSE)"
    }
    let start = "\(t) - \(Int64(silentForDays) * Self.day)"
    func word(_ last: String?, _ none: String, _ recent: String, _ earlier: String) -> String {
      guard let last else { return "'\(none)'" }
      return "CASE WHEN \(last) IS NULL THEN '\(none)' WHEN \(last) >= \(start) THEN '\(recent)' "
        + "ELSE '\(earlier)' END"
    }
    return [
      "\(word(spoken, "never_spoken", "recent", "lapsed")) AS voice",
      "\(word(asked, "never", "ignored", "earlier")) AS asked", "\(called) AS called",
      "CAST(\(all) AS BIGINT) AS events", "CAST(coalesce(\(ordinary), 0) AS BIGINT) AS ordinary",
    ]
  }
}

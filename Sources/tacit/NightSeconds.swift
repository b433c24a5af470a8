/// Where a night's time went, in seconds of wall time.
struct NightSeconds: Encodable {
  /// Reading the histories.
  var reading = 0.0
  /// Ranking all the silent.
  var scoring = 0.0
  /// Writing the scores of all of them, with their reasons, to the score file.
  var scoreFile = 0.0
  var drift = 0.0
  /// Choosing whom to contact, and making the cases.
  var deciding = 0.0
  /// The store: reading what stands open, writing decisions and cases, keeping them.
  var publishing = 0.0

  /// Runs `body` and adds its time to one part.
  mutating func spend<Value>(
    on part: WritableKeyPath<NightSeconds, Double>, _ body: () throws -> Value
  ) rethrows -> Value {
    let clock = ContinuousClock()
    let start = clock.now
    defer { self[keyPath: part] += (clock.now - start) / .seconds(1) }
    return try body()
  }
}

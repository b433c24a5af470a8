package import Histories
import Learning

/// What Tacit would have found on past dates, had it been used then.
///
/// At each origin T a model is trained that sees nothing known at or after T: not the features, not the
/// answers (the embargo: the last training window ends at T, and an answer of it that became known later
/// is not there). Then what came after T, known before the as-of date D, is held against its scores:
/// - two-sided feedback in [T + gap, T + gap + label window), as training labels it;
/// - accounts that had never spoken at T: how many of those that first spoke as detractors within the
///   horizon stood among the k that the team could have called (METHODS 4.4).
///
/// Feedback known at or after D changes nothing. The same input gives the same bits on any number of
/// threads. Time is that of a training for each origin and each masking; memory is a chunk of rows and
/// four bytes a silent account.
package struct Backtest: Sendable {
  package var base: HistoryBase
  package var feedback: FeedbackSettings
  package var training: TrainingSettings
  package var features: FeatureSettings
  package var asOf: Instant
  /// How many accounts the team can call in the label window that begins at an origin; nil where
  /// nobody says: one in twenty of the silent then.
  package var capacity: @Sendable (Instant) -> Int?
  /// Within so many days of an origin first words count.
  package var horizonDays: Int
  /// How many origins; nil: as many as can be trained, up to `BacktestRule.mostOrigins`.
  package var origins: Int?
  /// What outreach did: who was contacted before speaking is no silenced detractor.
  package var trace: OutreachTrace
  package var threads: Int

  package init(
    base: HistoryBase, feedback: FeedbackSettings, training: TrainingSettings,
    features: FeatureSettings, asOf: Instant, capacity: @escaping @Sendable (Instant) -> Int?,
    horizonDays: Int? = nil, origins: Int? = nil, trace: OutreachTrace = OutreachTrace(),
    threads: Int
  ) {
    self.base = base
    self.feedback = feedback
    self.training = training
    self.features = features
    self.asOf = asOf
    self.capacity = capacity
    self.horizonDays =
      horizonDays ?? max(BacktestRule.leastHorizonDays, 3 * training.labelWindowDays)
    self.origins = origins
    self.trace = trace
    self.threads = threads
  }

  /// Origins from the latest back, a snapshot's distance apart; the latest is as late as its horizon
  /// and its label window allow before D.
  package func origin(_ back: Int) -> Instant {
    let needed = max(horizonDays, training.gapDays + training.labelWindowDays)
    return asOf.adding(days: -(needed + back * training.everyDays))
  }

  /// Runs it all. `progress` is told what is being done, now and then.
  ///
  /// Throws `insufficient` (3) where a feature is a leak, by name, and where not one origin can be
  /// trained.
  package func run(progress: (String) -> Void = { _ in }) throws(DetractionError) -> Result {
    progress("looking for leaks")
    var controls = try singleFeatureControls()
    var (past, skipped) = try pastOrigins(progress: progress)
    guard let latest = past.first else {
      throw .insufficient(
        "no origin can be back-tested: "
          + (skipped.first.map { "as of \(date($0.at)) \($0.reason)" } ?? "none was asked for"))
    }
    past.reverse()
    progress("all origins together")
    controls.shifts = try shifts(past)
    controls.variance = latest.variance
    controls.suspects += suspects(controls)
    let masked = try masking(progress: progress)
    progress("permuting labels")
    controls.permuted = try permuted()
    let silenced = pooled(past.map(\.silenced))
    let claim = Self.claim(silenced)
    return Result(
      asOf: asOf, labelWindowDays: training.labelWindowDays, gapDays: training.gapDays,
      horizonDays: horizonDays, origins: past.map(\.result), skipped: skipped.reversed(),
      answers: try pooledAnswers(past), silenced: silenced, masking: masked.masking,
      maskingMissing: masked.missing, controls: controls, claim: claim,
      statement: statement(claim, silenced), notes: notes(past))
  }

  /// The origins alone, without masking and controls: what a grade asks of a training.
  package func stability(progress: (String) -> Void = { _ in })
    throws(DetractionError) -> Stability
  {
    let (past, skipped) = try pastOrigins(progress: progress)
    let silenced = pooled(past.reversed().map(\.silenced))
    return Stability(
      origins: past.reversed().map {
        Stability.Origin(
          at: $0.result.at, rows: $0.result.answers?.all.rows ?? 0,
          auc: $0.result.answers?.all.auc ?? Estimate())
      }, missing: past.isEmpty ? skipped.first?.reason : nil,
      silenced: silenced,
      statement: past.isEmpty ? nil : statement(Self.claim(silenced), silenced))
  }

  /// The latest first. One that cannot be trained is skipped, and ends the going back where no number
  /// was asked for.
  private func pastOrigins(progress: (String) -> Void)
    throws(DetractionError) -> (past: [PastOrigin], skipped: [Skipped])
  {
    var past: [PastOrigin] = []
    var skipped: [Skipped] = []
    let wanted = origins ?? BacktestRule.mostOrigins
    for back in 0..<wanted {
      let at = origin(back)
      let name = "origin \(back + 1) of \(wanted), \(date(at))"
      do throws(DetractionError) {
        past.append(try self.past(at, isLatest: past.isEmpty) { progress("\(name): \($0)") })
      } catch {
        guard error.exitStatus == 3 else { throw error }
        skipped.append(Skipped(at: at, reason: error.description))
        if origins == nil { break }
      }
    }
    return (past, skipped)
  }

  /// The callable among so many silent accounts.
  func callable(at: Instant, of silent: Int) -> Int {
    capacity(at) ?? Int((Trainer.defaultShare * Double(silent)).rounded())
  }

  /// Everything of one origin that the others are to be pooled with.
  struct PastOrigin {
    var result: Origin
    var answered: Answered
    var silenced: SilencedAccounts
    var variance: [VarianceShare]
  }

  private func past(_ at: Instant, isLatest: Bool, progress: (String) -> Void)
    throws(DetractionError) -> PastOrigin
  {
    progress("training")
    let (model, rows) = try train(asOf: at)
    let best = try bestFeature(rows, schema: model.schema)
    progress("feedback that followed")
    let answered = try self.answered(at, model, best)
    progress("who had never spoken")
    let k = callable(at: at, of: model.silent.silent)
    let silenced = try self.silenced(at, model, best, k: k)
    let callable = min(1, Double(k) / Double(max(1, model.silent.silent)))
    let answers = try self.answers(answered, callable: callable)
    return PastOrigin(
      result: Origin(
        at: at, trainingRows: rows.rows.count,
        trainingDetractors: rows.rows.count { $0.isDetractor },
        trainingDigest: model.dataDigest, features: model.schema.count,
        columns: model.coefficients.count, bestFeature: best?.name, bestFeatureArea: best?.area,
        capacity: k, silent: model.silent.silent, answers: answers,
        answersMissing: answers == nil ? missing(answered) : nil,
        silenced: pooled([silenced])),
      answered: answered, silenced: silenced,
      variance: isLatest ? try variance(at, model, among: silenced.accounts) : [])
  }

  /// A model as of a past date, and the rows it was trained on.
  private func train(asOf at: Instant)
    throws(DetractionError) -> (Model, TrainingRows)
  {
    let schema = try translating { try base.schema(features, asOf: at) }
    var trainer = Trainer(
      base: base, feedback: feedback, training: training, schema: schema, asOf: at, trace: trace,
      threads: threads)
    trainer.isJudged = false
    let model = try trainer.train(name: "backtest", timeZone: "", projectDigest: "").model
    return (
      model,
      TrainingRows(base: base, feedback: feedback, training: training, asOf: at, trace: trace)
    )
  }

  /// The local date of an instant, for people.
  func date(_ instant: Instant) -> String {
    let (year, month, day) = civilDate(daysSinceEpoch: base.timeZone.date(of: instant))
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// Vectors of accounts as of one date, a chunk at a time: `body` gets the accounts and their rows.
  func forEachChunk(
    _ accounts: [Int32], asOf at: Instant, _ schema: FeatureSchema,
    _ body: (ArraySlice<Int32>, Matrix) throws(DetractionError) -> Void
  ) throws(DetractionError) {
    for start in stride(from: 0, to: accounts.count, by: Trainer.chunk) {
      let part = accounts[start..<min(start + Trainer.chunk, accounts.count)]
      let raw = try base.matrix(
        schema, part.map { VectorRow(account: $0, asOf: at) }, threads: threads)
      try body(part, raw)
    }
  }

  private func notes(_ past: [PastOrigin]) -> [String] {
    var notes: [String] = []
    if !base.attributesAreDated, !(base.attributes.numeric + base.attributes.categorical).isEmpty {
      notes.append(
        "the accounts file has no known_at: attributes are today's at every past date, which may "
          + "tell more than was known then")
    }
    if past.contains(where: { $0.silenced.k >= Double($0.silenced.accounts.count) }) {
      notes.append(
        "the team could call everybody who had never spoken at one origin or more: there its list "
          + "holds every one of them, whatever the order")
    }
    return notes
  }
}

import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning

/// A fault of a fit with its columns by name.
struct FitError: Error, CustomStringConvertible {
  let description: String
  let exitStatus: Int32
}

/// From rows to a model and what is known of it, as the options of `fit` say.
struct Learner {
  /// What one fit gives.
  struct Outcome {
    var model: LearnerModel
    /// Nil where a penalty selects columns, which then have no standard errors.
    var inference: Inference?
    /// Of Firth's fit: a profile a column, the intercept last.
    var profiles: [FirthFit.Profile]?
    /// Where the penalty selects columns, and where errors by it were asked for.
    var bootstrap: Bootstrap?
    /// What part of the logit's variance each column (then each pair) carries.
    var shares: [Double]
    var warnings: [String]
  }

  /// With more columns nobody reads a table of errors, and making it takes minutes.
  static let mostInferenceColumns = 500
  static let replicates = 1000
  static let bootstrapSeed: UInt64 = 20_261_122

  private let command: FitCommand
  private let rows: LearnerRows
  private let bar: ProgressBar

  init(_ command: FitCommand, _ rows: LearnerRows) {
    self.command = command
    self.rows = rows
    bar = ProgressBar(quiet: command.quiet)
  }

  /// The model. Throws `FitError`, columns by name where they have one, `LearningError`, and
  /// `DetractionError.insufficient`.
  func learn() throws -> Fitted {
    defer { bar.clear() }
    // Labels, weights and offsets are checked before anything is made of them.
    _ = try data(rows.x)
    let suspects = try suspects()
    var fitted = try command.wantsShapes ? shaped() : plain()
    fitted.model.prevalence = rows.prevalence
    fitted.warnings = suspects
    return fitted
  }

  /// What is known of it: errors, shares, what to look at twice.
  func describe(_ fitted: Fitted) throws -> Outcome {
    var warnings = fitted.warnings
    let inference = try self.inference(fitted)
    let count = fitted.model.fit.coefficients.count
    if let needed = inference?.requiredRows, needed > rows.labels.count {
      warnings.append(
        "\(rows.labels.count) rows for \(count) columns: for little overfitting about "
          + "\(needed) are needed (Riley et al. 2019)")
    }
    let shares =
      try fitted.data.map {
        try fitted.model.fit.logitShares($0, groups: (0..<count).map { [$0] })
      } ?? fitted.shares
    var model = fitted.model
    model.covariance = inference?.covariance
    return Outcome(
      model: model, inference: inference,
      profiles: try fitted.firth.map { firth in try (0...count).map { try firth.profile($0) } },
      bootstrap: try bootstrap(fitted), shares: shares, warnings: warnings)
  }

  struct Fitted {
    var model: LearnerModel
    /// The rows in the model's columns; nil if those are too many to have errors: then there are
    /// `shares`.
    var data: LogisticData?
    var shares: [Double] = []
    var firth: FirthFit?
    var warnings: [String] = []
  }

  /// Features that alone tell the target: more likely from after the event than before it.
  private func suspects() throws -> [String] {
    guard !rows.columns.isEmpty else { return [] }
    let areas = try sourceAreas(
      rows.x, sources: rows.sources, labels: rows.labels, threads: rows.threads)
    return areas.indices.filter { areas[$0] > 0.95 }.map {
      "\"\(rows.name($0))\" alone tells the target almost without fail (AUC "
        + "\(significant(areas[$0]))): is it known before the event? If not, --drop it"
    }
  }

  private func data(_ x: Matrix) throws(LearningError) -> LogisticData {
    try LogisticData(
      x, labels: rows.labels, weights: rows.weights, offsets: rows.offsets, threads: rows.threads)
  }

  private func shaped() throws -> Fitted {
    try requireBothClasses()
    let shaped = try fitShaped(
      rows.x, sources: rows.sources, labels: rows.labels, weights: rows.weights,
      offsets: rows.offsets, folds: rows.folds, threads: rows.threads,
      progress: { bar.report("trying \($0.kind.rawValue)") })
    guard !shaped.design.columns.isEmpty else {
      throw DetractionError.insufficient(
        "every column has the same value in all rows: nothing to learn from")
    }
    var design = shaped.design
    var fit = shaped.fit
    var logits = shaped.outOfFoldLogits
    let signs = try signs()
    let free = Set(try places(command.unpenalised, "--unpenalised"))
    if !signs.isEmpty || !free.isEmpty {
      (design, fit, logits) = try constrained(shaped, signs, free)
    }
    var model = LearnerModel(
      columns: rows.columns.isEmpty ? nil : rows.columns, design: design, fit: fit)
    model.trials = shaped.trials
    try judge(logits, &model)
    guard design.width <= Self.mostInferenceColumns else {
      let shares = try fit.logitShares(
        design, rows.x, weights: rows.weights, threads: rows.threads)
      return Fitted(model: model, data: nil, shares: shares)
    }
    return Fitted(
      model: model, data: try data(try design.expand(rows.x, threads: rows.threads)))
  }

  /// The shapes that were chosen, fitted again with their features' sides and free columns. Pairs of
  /// a feature with a side are left out: they could turn it.
  private func constrained(
    _ shaped: ShapedFit, _ signs: [Int: Penalty.Sign], _ free: Set<Int>
  ) throws -> (Design, LogisticFit, [Double]) {
    let columns = shaped.design.columns
    let kept = shaped.design.pairs.indices.filter {
      let pair = shaped.design.pairs[$0]
      return signs[columns[pair.first].source] == nil && signs[columns[pair.second].source] == nil
    }
    let design = shaped.design.with(pairs: kept.map { shaped.design.pairs[$0] })
    let width = columns.count
    let old = shaped.fit.penalty
    let places = Array(0..<width) + kept.map { width + $0 }
    let factors = places.map { j in
      j < width && free.contains(columns[j].source) ? 0 : old.factors?[j] ?? 1
    }
    let sides = places.map { j -> Penalty.Sign in
      guard j < width, columns[j].basis.rises || columns[j].basis == .nonzero else { return .free }
      return signs[columns[j].source] ?? .free
    }
    for column in columns where column.basis == .nonzero && signs[column.source] != nil {
      // "Not 0" rises from 0 on only.
      guard (0..<rows.x.rows).allSatisfy({ !(rows.x[$0, column.source] < 0) }) else {
        throw ValidationError(
          "\"\(rows.name(column.source))\" has negative values beside many zeros: no side can be "
            + "held for its shapes, use --shapes none")
      }
    }
    let parameters = try LogisticParameters(
      penalty: Penalty(
        lambda: old.lambda, l1Ratio: old.l1Ratio, factors: factors,
        signs: sides),
      standardise: false)
    let data = try data(try design.expand(rows.x, threads: rows.threads))
    let (validation, _) = try crossValidate(
      data, folds: rows.folds, lambdas: [old.lambda], parameters: parameters)
    return (
      design, try fitLogistic(data, parameters: parameters),
      withOffsets(validation.outOfFoldLogits)
    )
  }

  private func plain() throws -> Fitted {
    guard !rows.columns.isEmpty else {
      return try naming(nil) { try fitted(try data(rows.x), nil) }
    }
    let design = try Design(
      fitting: rows.x, sources: rows.sources, shapes: .plain, weights: rows.weights,
      threads: rows.threads)
    guard !design.columns.isEmpty else {
      throw DetractionError.insufficient(
        "every column has the same value in all rows: nothing to learn from")
    }
    let x = try design.expand(replacing: rows.takeX(), threads: rows.threads)
    return try naming(design) { try fitted(try data(x), design) }
  }

  /// The fit of columns that stand, as the options say.
  private func fitted(_ data: LogisticData, _ design: Design?) throws -> Fitted {
    func model(_ fit: LogisticFit) -> LearnerModel {
      LearnerModel(columns: design == nil ? nil : rows.columns, design: design, fit: fit)
    }
    if command.firth {
      let firth = try FirthFit(data)
      return Fitted(model: model(firth.fit(data)), data: data, firth: firth)
    }
    let penalty = try penalty(design)
    let parameters = try LogisticParameters(
      penalty: penalty, standardise: command.standardise == .columns)
    if command.hasFixedPenalty {
      return Fitted(model: model(try fitLogistic(data, parameters: parameters)), data: data)
    }
    try requireBothClasses()
    let (validation, path) = try validated(data, parameters)
    let fit = try fitLogistic(data, parameters: try parameters.with(lambda: validation.chosen))
    var fitted = model(fit)
    fitted.validation = validation.points
    fitted.path = LearnerModel.Path(path)
    try judge(withOffsets(validation.outOfFoldLogits), &fitted)
    if command.validation == .leaveOneOut { fitted.heldOut?.folds = data.x.rows }
    return Fitted(model: fitted, data: data)
  }

  /// The held-out loss at every λ, and the fits there on all rows.
  private func validated(
    _ data: LogisticData, _ parameters: LogisticParameters
  ) throws(LearningError) -> (CrossValidation, PathFit) {
    let bar = self.bar
    let progress: FitProgress.Handler = {
      bar.report("\($0.stage) \($0.total > 0 ? 100 * $0.done / $0.total : 0) %")
    }
    if command.validation == .leaveOneOut {
      let path = try fitPath(data, parameters: parameters, progress: progress)
      let validation = try approximateLeaveOneOut(path, data: data, rule: command.rule.learning)
      return (validation, path)
    }
    return try crossValidate(
      data, folds: rows.folds, rule: command.rule.learning, parameters: parameters,
      progress: progress)
  }

  /// The penalty with its factors and signs on the design's columns.
  private func penalty(_ design: Design?) throws -> Penalty {
    let l1 = command.l1 ?? 0
    let l2 = command.l2 ?? 0
    let lambda = l1 + l2
    let ratio = command.hasFixedPenalty ? (lambda > 0 ? l1 / lambda : 0) : command.l1Ratio
    guard let design else { return try Penalty(lambda: lambda, l1Ratio: ratio) }
    let free = Set(try places(command.unpenalised, "--unpenalised"))
    let signs = try signs()
    return try Penalty(
      lambda: lambda, l1Ratio: ratio,
      factors: free.isEmpty ? nil : design.columns.map { free.contains($0.source) ? 0 : 1 },
      signs: signs.isEmpty ? nil : design.columns.map { signs[$0.source] ?? .free })
  }

  /// On which side the coefficients of a feature must lie.
  private func signs() throws -> [Int: Penalty.Sign] {
    var signs: [Int: Penalty.Sign] = [:]
    for (names, option, sign) in [
      (command.increasing, "--increasing", Penalty.Sign.nonNegative),
      (command.decreasing, "--decreasing", .nonPositive),
    ] {
      for place in try places(names, option) {
        guard rows.columns[place].levels == nil else {
          throw ValidationError("\(option): \"\(rows.name(place))\" holds texts, not numbers")
        }
        guard signs.updateValue(sign, forKey: place) == nil else {
          throw ValidationError(
            "\"\(rows.name(place))\" is named twice in --increasing and --decreasing")
        }
      }
    }
    return signs
  }

  /// The places of named features.
  private func places(_ names: String, _ option: String) throws -> [Int] {
    try list(names).map { name in
      guard let place = rows.columns.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) })
      else {
        let nearest = nearestName(to: name, among: rows.columns.map(\.name))
        throw HistoriesError.dataContract(
          "\(option): no feature \"\(name)\"" + (nearest.map { ": did you mean \"\($0)\"?" } ?? ""))
      }
      return place
    }
  }

  private func requireBothClasses() throws {
    let least = 10
    let positives = rows.labels.count { $0 > 0 }
    let negatives = rows.labels.count - positives
    guard min(positives, negatives) >= least else {
      throw DetractionError.insufficient(
        "\(positives) rows are 1 and \(negatives) are 0: to choose a penalty on held-out rows at "
          + "least \(least) of each are needed; with --l2 a penalty can be named")
    }
  }

  /// What held-out rows say; refuses a model that they do not bear out.
  private func judge(_ logits: [Double], _ model: inout LearnerModel) throws {
    if command.wantsShapes || command.calibrate {
      model.calibration = try ScoreCalibration.fit(
        logits: logits, labels: rows.labels, weights: rows.weights, folds: rows.folds
      ).calibration
    }
    let heldOut = try LearnerModel.HeldOut(
      logits: logits, labels: rows.labels, weights: rows.weights, groups: rows.groups,
      folds: rows.folds, threads: rows.threads)
    guard heldOut.calibratedLogLoss < heldOut.nullLogLoss || rows.offsets != nil else {
      throw DetractionError.insufficient(
        "on held-out rows the model is no better than the base rate: log loss \(heldOut.calibratedLogLoss) "
          + "against \(heldOut.nullLogLoss); these columns do not tell the target")
    }
    model.heldOut = heldOut
  }

  private func withOffsets(_ logits: [Double]) -> [Double] {
    guard let offsets = rows.offsets else { return logits }
    return zip(logits, offsets).map { $0 + $1 }
  }

  private func inference(_ fitted: Fitted) throws -> Inference? {
    guard fitted.firth == nil, !fitted.model.fit.penalty.selects, let data = fitted.data,
      data.x.columns <= Self.mostInferenceColumns
    else { return nil }
    // The bootstrap's own covariance is the sandwich without correction, but for chance.
    let isCorrected = command.errors != .bootstrap
    let kind: CovarianceKind =
      rows.groups.map { .clustered(by: $0, corrected: isCorrected) }
      ?? (command.errors == .model ? .model : .robust(corrected: isCorrected))
    return try fitted.model.fit.inference(data, kind)
  }

  private func bootstrap(_ fitted: Fitted) throws -> Bootstrap? {
    guard fitted.model.fit.penalty.selects || command.errors == .bootstrap, fitted.firth == nil,
      let data = fitted.data, data.x.columns <= Self.mostInferenceColumns
    else { return nil }
    return try fitted.model.fit.scoreBootstrap(
      data, groups: rows.groups, replicates: Self.replicates, seed: Self.bootstrapSeed)
  }

  /// Runs `body` with the columns of its errors by name, and what helps in this command's words.
  private func naming<Result>(_ design: Design?, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as LearningError {
      let names = design?.columns.map { column in
        let basis = rows.describe(column)
        return rows.name(column.source) + (basis == "as it is" ? "" : " (\(basis))")
      }
      var text = rows.columns.isEmpty ? error.description : error.named(columns: names ?? [])
      if case .tooFewRows(_, let needed) = error, needed > 2 {
        text +=
          ": without a penalty there must be more rows than columns; use one, such as --l2 0.01"
      }
      if case .separated = error { text += "; here --l2 0.001, or --firth" }
      throw FitError(description: text, exitStatus: error.exitStatus)
    }
  }
}

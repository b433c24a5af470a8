import Detraction
import Foundation
import Histories
import TestSupport
import Testing

/// The shipped sample, read once, and versions trained on it.
struct SampleTraining {
  let base: HistoryBase
  let feedback: FeedbackSettings
  let settings: HistorySettings
  let training: TrainingSettings

  static let shared = Result { try SampleTraining() }

  init() throws {
    let folder = Shared.root.appendingPathComponent("datasets/sample")
    let file = try ProjectFile(path: folder.appendingPathComponent("tacit.toml").path)
    settings = HistorySettings(project: file)
    feedback = try #require(FeedbackSettings(project: file))
    training = TrainingSettings(project: file)
    base = try HistoryBase.read(settings, roles: feedback.roles, threads: 2)
  }

  func instant(_ text: String) -> Instant { Instant(asOf: text, zone: .utc)! }

  func version(asOf text: String, name: String? = nil) throws -> ModelVersion {
    let asOf = instant(text)
    let trainer = Trainer(
      base: base, feedback: feedback, training: training,
      schema: try base.schema(settings.features, asOf: asOf), asOf: asOf, threads: 2)
    let result = try trainer.train(name: "test", timeZone: "UTC", projectDigest: "")
    return ModelVersion(
      version: name ?? text, model: result.model, knownDetractors: result.knownDetractors,
      heldOut: result.heldOut)
  }

  func scorer(_ version: ModelVersion, asOf text: String) throws -> Scorer {
    try Scorer(
      version: version, base: base, asOf: instant(text), sayable: ["late_delivery"], threads: 2)
  }
}

import ArgumentParser
import Foundation
import Learning

/// `tacit predict`: a model of `tacit fit` on vectors made elsewhere.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Give each row of vectors made elsewhere its probability.",
    discussion: "Writes CSV: row (from 0), probability, logit.")

  @Option(help: "A model written by `tacit fit`.")
  var model: String
  @Argument(help: "The vectors: X.npy, columns as in the fit.")
  var data: String
  @Option(help: "Where to write the predictions.")
  var out: String
  @Option(help: "Threads to use; never changes a result. Default: all cores.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  func run() throws {
    try LearnerFailure.reported {
      guard threads >= 1 else {
        throw LearningError.badParameter(
          name: "threads", value: Double(threads), needed: "1 or more")
      }
      let learned = try LearnerModel(readingFrom: model)
      let logits = try learned.fit.linearPredictors(
        try NPYFile.matrix(at: data), threads: threads)
      var bytes = Array("row,probability,logit\n".utf8)
      for (row, logit) in logits.enumerated() {
        bytes += "\(row),\(LogisticFit.probability(logit: logit)),\(logit)\n".utf8
      }
      try AtomicFile.write(bytes, to: out)
    }
  }
}

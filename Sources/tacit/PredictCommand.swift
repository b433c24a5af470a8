import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Give each row of vectors made elsewhere its probability.",
    discussion: """
      DATA holds the columns that the model was fitted on: CSV by name (others are passed over), \
      NPY by place. Writes CSV: the row's number from 0, or its --id, then probability and logit.
      """)

  @Option(help: "A model written by `tacit fit`.")
  var model: String
  @Argument(help: "The vectors: CSV or NPY.")
  var data: String
  @Option(help: "The CSV column that names a row.")
  var id: String?
  @Option(help: "The file to write.")
  var out: String
  @Option(help: "Threads to use (default: all cores). Never changes a result.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    for path in [data, out] { try refuseParquet(path) }
    try checkThreads(threads)
  }

  func run() throws {
    let learned = try SealedFile.read(LearnerModel.self, path: model).body
    guard data.hasSuffix(".npy") == (learned.columns == nil) else {
      throw DetractionError.modelFile(
        learned.columns == nil
          ? "\(model) was fitted on NPY vectors, expected the same here"
          : "\(model) was fitted on CSV columns, expected the same here")
    }
    let table = try LearnerTable(path: data, leaveOut: [], known: learned.columns)
    let ids = try id.map { try table.texts($0) }
    let file = try OutputFile(path: out)
    try file.write("\(id == nil ? "row" : csvField(id ?? "")),probability,logit\n")
    for (row, logit) in try learned.logits(table, threads: threads).enumerated() {
      let name = ids.map { csvField($0[row]) } ?? "\(row)"
      try file.write("\(name),\(LogisticFit.probability(logit: logit)),\(logit)\n")
    }
    try file.commit()
  }
}

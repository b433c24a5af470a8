import ArgumentParser
import Detraction
import Foundation
import Histories

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a fitted model for other programs to score with: ONNX or SQL.",
    discussion: """
      Both take the raw columns and hold every transform; their logit equals that of `tacit predict` \
      to 1e-12.

      F.onnx has an input of rows × 1 for each column, by its name: float64 with NaN for missing, or \
      strings; a model of NPY vectors has one input x of rows × columns. Its outputs are logit and \
      probability, rows × 1, float64.

      F.sql is a query over a table or view called vectors, NULL being missing: its columns, then \
      logit and probability (a model of NPY vectors calls its columns x0, x1 …). Try:
        duckdb -c "CREATE VIEW vectors AS FROM 'data.parquet'" -c ".read model.sql"
      """)

  @Option(help: "A model written by `tacit fit`.")
  var model: String
  @Option(help: "The file to write, .onnx or .sql.")
  var out: String

  func validate() throws {
    guard out.hasSuffix(".onnx") || out.hasSuffix(".sql") else {
      throw ValidationError("--out \(out): expected a name that ends in .onnx or .sql")
    }
  }

  func run() throws {
    let learned = try LearnerModel.read(model)
    let score = PortableScore(
      columns: learned.columns, design: learned.design, fit: learned.fit,
      calibration: learned.calibration)
    try score.checkNames(model)
    let file = try OutputFile(path: out)
    try file.write(
      out.hasSuffix(".sql") ? Array(ScoreSQL.query(score).utf8) : ONNXFile.contents(score))
    try file.commit()
  }
}

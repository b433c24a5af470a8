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
      DATA holds the columns that the model was fitted on: CSV or Parquet by name (others are passed \
      over), NPY by place. It is read as a stream, whatever its size.

      Writes CSV: the row's number from 0, or its --id, then probability and logit; or, where the \
      name ends in .npy, an array of float64, a row each: probability, logit.

      --intervals adds lower and upper, the 95 % interval of the probability, and standard_error, the \
      logit's, from the covariance that `fit` keeps in the model: the one its report shows, robust or \
      clustered where that was asked for. They say how far the sample of training rows leaves the \
      score open, not what a single customer will do. After a penalty they are those of the shrunk \
      estimate: what shrinking moved it by is not in them, nor is the choice of penalty and shapes, nor \
      the calibration's own error.
      """)

  @Option(help: "A model written by `tacit fit`.")
  var model: String
  @Argument(help: "The vectors: CSV, Parquet or NPY.")
  var data: String
  @Option(help: "The column of CSV or Parquet that names a row.")
  var id: String?
  @Option(
    help: """
      The share of 1 among these rows, where it is known and differs from training's: shifts the \
      probabilities, not the logits.
      """)
  var prevalence: Double?
  @Flag(help: "Add the probability's 95 % interval and the logit's standard error.")
  var intervals = false
  @Option(help: "The file to write: CSV or NPY.")
  var out: String
  @OptionGroup var options: LearnerOptions

  private struct Seconds: Encodable { var reading, predicting, writing: Double }

  private struct Report: Encodable {
    var rows: Int
    /// Cells with a text that the model has not seen; they count as missing.
    var unseenLevels: Int
    var seconds: Seconds
  }

  /// Rows of NPY that are predicted before they are written.
  private static let block = 1 << 20

  func validate() throws {
    try refuseParquet(out)
    if id != nil, data.hasSuffix(".npy") || out.hasSuffix(".npy") {
      throw ValidationError("--id names a column, and NPY has none: leave it out")
    }
  }

  /// What a known share of 1 adds to every calibrated logit.
  private func shift(_ learned: LearnerModel) throws -> Double {
    guard let prevalence else { return 0 }
    guard let trained = learned.prevalence else {
      throw DetractionError.modelFile(
        "\(model) does not hold its training rows' share of 1: fit anew")
    }
    return try ScoreCalibration.priorShift(from: trained, to: prevalence)
  }

  /// What intervals are made from, where they are wanted.
  private func covariance(_ learned: LearnerModel) throws -> ParameterCovariance? {
    guard intervals else { return nil }
    guard let covariance = learned.covariance else {
      throw DetractionError.modelFile(
        "\(model) holds no covariance to make intervals from. `fit` keeps one where it reports "
          + "standard errors: with a ridge penalty or none, at most \(Learner.mostInferenceColumns) "
          + "columns of the design, and neither --increasing nor --decreasing nor --firth")
    }
    return covariance
  }

  func run() throws {
    let threads = options.threads
    var seconds = Seconds(reading: 0, predicting: 0, writing: 0)
    var clock = PhaseClock()
    let learned = try LearnerModel.read(model)
    guard data.hasSuffix(".npy") == (learned.columns == nil) else {
      throw DetractionError.modelFile(
        learned.columns == nil
          ? "\(model) was fitted on NPY vectors, expected the same here"
          : "\(model) was fitted on columns with names, expected CSV or Parquet here")
    }
    let shift = try shift(learned)
    let covariance = try covariance(learned)
    let file = try PredictionFile(
      path: out, id: id,
      columns: ["probability", "logit"]
        + (intervals ? ["lower", "upper", "standard_error"] : []), threads: threads)
    var unseen = 0
    if let columns = learned.columns {
      let reader = try TableReader(
        LearnerTable.source(data), cells: LearnerTable.cells(columns), text: id, threads: threads)
      while true {
        let parts = try reader.next()
        seconds.reading += clock.lap()
        if parts.isEmpty { break }
        let predictions = StripedWork.map(stripes: parts.count, threads: threads) { index in
          Result { () throws(LearningError) in
            let x = try Matrix(
              rows: parts[index].rows, columns: columns.count, elements: parts[index].values)
            return try learned.predict(
              x, rows: 0..<x.rows, shift: shift, covariance: covariance, threads: 1)
          }
        }
        seconds.predicting += clock.lap()
        for (part, prediction) in zip(parts, predictions) {
          try file.write(try prediction.get(), names: part)
          unseen += part.unseen
        }
        seconds.writing += clock.lap()
      }
    } else {
      let x = try NPYFile.matrix(at: data)
      seconds.reading += clock.lap()
      for start in stride(from: 0, to: x.rows, by: Self.block) {
        let rows = start..<min(start + Self.block, x.rows)
        let predictions = try learned.predict(
          x, rows: rows, shift: shift, covariance: covariance, threads: threads)
        seconds.predicting += clock.lap()
        try file.write(predictions, names: nil)
        seconds.writing += clock.lap()
      }
    }
    try file.commit()
    seconds.writing += clock.lap()
    if unseen > 0 {
      printToStandardError(
        "\(unseen) cells hold texts that the model has not seen: taken as missing")
    }
    if options.json {
      try printJSON(Report(rows: file.rows, unseenLevels: unseen, seconds: seconds))
    }
  }
}

/// What `predict` writes, CSV or NPY by the file's name.
private final class PredictionFile {
  private(set) var rows = 0
  private let file: OutputFile
  private let isNPY: Bool
  private let width: Int
  private let threads: Int
  /// Rows whose text is made at once.
  private static let part = 1 << 14

  init(path: String, id: String?, columns: [String], threads: Int) throws {
    file = try OutputFile(path: path)
    isNPY = path.hasSuffix(".npy")
    width = columns.count
    self.threads = threads
    if isNPY {
      try file.write(NPYFile.header(rows: 0, columns: width))
    } else {
      try file.write("\(csvField(id ?? "row")),\(columns.joined(separator: ","))\n")
    }
  }

  /// Writes rows of `columns`; `names` has their ids, if they are wanted.
  func write(_ values: [Double], names: TableRows?) throws {
    let count = values.count / width
    if isNPY {
      var failure: HistoriesError?
      values.withUnsafeBytes { bytes in
        do throws(HistoriesError) { try file.write(bytes) } catch { failure = error }
      }
      if let failure { throw failure }
    } else {
      let (first, width) = (rows, width)
      let parts = (count + Self.part - 1) / Self.part
      let texts = StripedWork.map(stripes: parts, threads: threads) { index in
        let range = (index * Self.part)..<min((index + 1) * Self.part, count)
        let writer = NumberWriter(capacity: range.count * (16 + 20 * width))
        for row in range {
          if let names, names.hasTexts {
            writer.append(field: names.text(row))
          } else {
            writer.append(Double(first + row))
          }
          values.withUnsafeBufferPointer {
            writer.append(cells: $0.baseAddress! + width * row, count: width)
          }
          writer.append(byte: 0x0a)
        }
        return writer.written
      }
      for text in texts { try file.write(text) }
    }
    rows += count
  }

  func commit() throws {
    if isNPY { try file.overwriteStart(with: NPYFile.header(rows: rows, columns: width)) }
    try file.commit()
  }
}

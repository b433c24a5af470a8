package import Foundation
import Histories

/// The rows that a training as of a date learns from, as a CSV file, for whoever checks or learns on them
/// elsewhere: account_id, as_of (the snapshot), a column a feature (a level as its text, an empty cell
/// where nothing is known), is_detractor, was_silent and weight (above 1 where a row stands for accounts
/// that outreach took out).
package enum LabelledFile {
  /// Writes it and returns the number of its rows: snapshot by snapshot, accounts in their order. The same
  /// bytes for any number of threads. Throws `insufficient` where nobody answered, and `output`. Two
  /// walks over the histories, for labels and for vectors, whatever the number of snapshots; of histories
  /// that stand on disk one more a snapshot, for the ids. Rows × features × 8 bytes of memory.
  package static func write(_ trainer: Trainer, to file: URL) throws -> Int {
    let labelled = TrainingRows(
      base: trainer.base, feedback: trainer.feedback, training: trainer.training,
      asOf: trainer.asOf, trace: trainer.trace)
    guard !labelled.rows.isEmpty else {
      throw DetractionError.insufficient(
        "nobody gave two-sided feedback within the label window of any of the "
          + "\(labelled.snapshots.count) snapshots")
    }
    let raw = try trainer.base.vectors(
      trainer.schema,
      rows: labelled.rows.map {
        VectorRow(account: Int32($0.account), asOf: labelled.snapshots[$0.snapshot])
      }, threads: trainer.threads)
    let output = try OutputFile(path: file.path)
    var writer = NumberWriter(capacity: 1 << 16)
    let names =
      ["account_id", "as_of"] + trainer.schema.names + ["is_detractor", "was_silent", "weight"]
    for (place, name) in names.enumerated() {
      if place > 0 { writer.append(byte: 0x2c) }
      writer.append(field: name.utf8)
    }
    writer.append(byte: 0x0a)
    let width = trainer.schema.count
    let dates = labelled.snapshots.map { Array($0.description.utf8) }
    for (index, row) in labelled.rows.enumerated() {
      writer.append(field: trainer.base.account(row.account).utf8)
      writer.append(byte: 0x2c)
      writer.append(field: dates[row.snapshot])
      for feature in 0..<width {
        writer.append(byte: 0x2c)
        let value = raw[index * width + feature]
        let levels = trainer.schema.levels[feature]
        if levels.isEmpty {
          writer.append(value)
        } else if !value.isNaN {
          writer.append(field: levels[Int(value)].utf8)
        }
      }
      for value in [row.isDetractor ? 1 : 0, row.voice.isSilent ? 1 : 0, row.weight] {
        writer.append(byte: 0x2c)
        writer.append(value)
      }
      writer.append(byte: 0x0a)
      if index % 1024 == 1023 {
        try output.write(writer.written)
        writer = NumberWriter(capacity: 1 << 16)
      }
    }
    try output.write(writer.written)
    try output.commit()
    return labelled.rows.count
  }
}

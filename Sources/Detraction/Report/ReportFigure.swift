package import Foundation

/// A plot of a report: a script for gnuplot, its data, and the same numbers as CSV (DESIGN 5.15).
package struct ReportFigure: Sendable {
  /// Of the CSV file, and of the picture's ids.
  package var name: String
  /// What the plot shows, in one sentence.
  package var caption: String
  package var width = 720
  package var height = 400
  /// Header and rows.
  package var csv: [[String]]
  /// Blocks of tab-separated lines.
  package var data: String
  package var script: String

  init(
    name: String, caption: String, width: Int = 720, height: Int = 400, header: [String],
    rows: [[String]], data: String, script: String
  ) {
    self.name = name
    self.caption = caption
    self.width = width
    self.height = height
    csv = [header] + rows
    self.data = data
    self.script = script
  }

  /// One block of data whose rows are those of the CSV.
  init(
    name: String, caption: String, width: Int = 720, height: Int = 400, header: [String],
    numbers: [[Double]], script: String
  ) {
    let rows = numbers.map { $0.map { "\($0)" } }
    self.init(
      name: name, caption: caption, width: width, height: height, header: header, rows: rows,
      data: rows.map { $0.joined(separator: "\t") + "\n" }.joined(), script: script)
  }

  /// The CSV file's contents.
  package var contents: Data {
    Data(csv.map { $0.map(csvField).joined(separator: ",") + "\n" }.joined().utf8)
  }

  /// A text as a field of gnuplot's data: nothing that ends a field or a line, and not too long.
  static func field(_ text: String, most: Int = 40) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      if count == most {
        result += "…"
        break
      }
      let isPlain = scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
      result.unicodeScalars.append(
        isPlain && scalar != "\"" && scalar != "\\" ? scalar : " ")
      count += 1
    }
    return result
  }

  /// gnuplot's SVG for a place within HTML: from its `<svg` on, every id told from those of other
  /// pictures. O(bytes).
  func inlined(_ picture: [UInt8]) -> String {
    let start = Self.place(of: "<svg", in: picture, from: 0) ?? 0
    var result: [UInt8] = []
    result.reserveCapacity(picture.count + 4096)
    var next = start
    let marks = ["id=\"", "id='", "href='#", "href=\"#", "url(#"].map { Array($0.utf8) }
    while next < picture.count {
      if let mark = marks.first(where: { picture[next...].starts(with: $0) }) {
        result += mark
        result += "\(name)-".utf8
        next += mark.count
      } else {
        result.append(picture[next])
        next += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func place(of text: String, in bytes: [UInt8], from: Int) -> Int? {
    let sought = Array(text.utf8)
    return bytes.indices.dropFirst(from).first { bytes[$0...].starts(with: sought) }
  }
}

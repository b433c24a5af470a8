import Foundation
import Learning
import TestSupport

extension SplitMix64 {
  /// Standard normal (Box and Muller).
  mutating func normal() -> Double {
    (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
  }
}

/// A problem with correlated columns of differing means and scales.
struct Problem {
  var x: Matrix
  var labels: [Double]
  var weights: [Double]

  init(x: Matrix, labels: [Double], weights: [Double]) {
    self.x = x
    self.labels = labels
    self.weights = weights
  }

  init(rows: Int, columns: Int, seed: UInt64 = 1, shift: Double = 3) throws {
    var random = SplitMix64(seed)
    let beta = (0..<columns).map { _ in random.normal() * 0.6 }
    let scale = (0..<columns).map { _ in exp(random.normal()) }
    let mean = (0..<columns).map { _ in shift * random.normal() }
    var elements: [Double] = []
    var labels: [Double] = []
    var weights: [Double] = []
    for _ in 0..<rows {
      let common = random.normal()
      let z = (0..<columns).map { _ in 0.7 * random.normal() + 0.7 * common }
      let eta = zip(z, beta).reduce(-0.7) { $0 + $1.0 * $1.1 }
      labels.append(random.uniform() < 1 / (1 + exp(-eta)) ? 1 : 0)
      weights.append((random.uniform() * 4).rounded(.up) / 2)
      elements += (0..<columns).map { z[$0] * scale[$0] + mean[$0] }
    }
    x = try Matrix(rows: rows, columns: columns, elements: elements)
    self.labels = labels
    self.weights = weights
  }

  /// The other order in memory.
  var columnMajor: Matrix {
    get throws {
      try Matrix(
        rows: x.rows, columns: x.columns, order: .columnMajor,
        elements: (0..<x.columns).flatMap { x.column($0) })
    }
  }
}

/// Rows of a comma-separated file without quoted commas: header, then cells with quotes removed.
func readCSV(_ path: String) throws -> (header: [String], rows: [[String]]) {
  let text = try String(contentsOfFile: path, encoding: .utf8)
  let lines = text.split(whereSeparator: \.isNewline).map { line in
    line.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
    }
  }
  return (lines[0], Array(lines.dropFirst()))
}

func matrix(_ rows: [[Double]]) throws -> Matrix {
  try Matrix(rows: rows.count, columns: rows.first?.count ?? 0, elements: Array(rows.joined()))
}

/// The largest relative difference, values below 1 compared absolutely.
func distance(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1) / max(1, abs($1.1))) }
}

/// The same with a purely relative measure.
func relative(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1) / abs($1.1)) }
}

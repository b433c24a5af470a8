import Foundation
import Learning
import TestSupport
import Testing

/// Values others have published or computed with 40 digits (METHODS 8).
@Suite struct CertifiedTests {
  private func plain(_ l2: Double = 0) throws -> LogisticParameters {
    try LogisticParameters(penalty: .l2(l2), standardise: false, tolerance: 1e-12)
  }

  /// UCLA admissions: mpmath, Stata.
  private func admissions() throws -> (Matrix, [Double])? {
    guard let path = Shared.path("reference/binary.csv") else { return nil }
    let rows = try readCSV(path).rows.map { $0.compactMap(Double.init) }
    let x = try matrix(
      rows.map { [$0[1], $0[2], $0[3] == 2 ? 1 : 0, $0[3] == 3 ? 1 : 0, $0[3] == 4 ? 1 : 0] })
    return (x, rows.map { $0[0] })
  }

  @Test func uclaAdmissions() throws {
    guard let (x, y) = try admissions() else { return }
    #expect(y.reduce(0, +) == 127)
    let fit = try fitLogistic(LogisticData(x, labels: y), parameters: plain())
    let certified = [
      0.00226442578617916, 0.804037549280226, -0.675442927963562, -1.34020391646789,
      -1.55146367691807, -3.98997907333105,
    ]
    #expect(relative(fit.coefficients + [fit.intercept], certified) < 1e-9)
    #expect(abs(fit.objective * 800 / 458.517492475899 - 1) < 1e-11)
    let covariance = try fit.covariance(LogisticData(x, labels: y))
    let errors = (0..<6).map { covariance[$0, $0].squareRoot() }
    let certifiedErrors = [
      0.001093997657964, 0.3318193045648, 0.3164896632658, 0.3453064233612, 0.4178316374722,
      1.139950962048,
    ]
    #expect(relative(errors, certifiedErrors) < 1e-8)

    let logits = try fit.linearPredictors(x)
    let area = try RocArea(scores: logits, labels: y)
    #expect(abs(area.area - 0.6928412795) < 1e-10)
    #expect(abs(area.standardError - 0.0282928083) < 1e-10)
    let probability = try ProbabilityMetrics(logits: logits, labels: y)
    #expect(abs(probability.brier - 0.1947139642) < 1e-10)
    #expect(abs(probability.logLoss - 0.5731468656) < 1e-10)
    #expect(abs(probability.inTheLarge) < 1e-12)
    #expect(abs(try averagePrecision(scores: logits, labels: y) - 0.5127557198) < 1e-10)
    let line = try CalibrationLine(logits: logits, labels: y)
    #expect(abs(line.slope - 1) < 1e-7 && abs(line.intercept) < 1e-7)
  }

  /// Hosmer & Lemeshow's low birth weight, Stata's example.
  @Test func lowBirthWeight() throws {
    guard let path = Shared.path("reference/lbw.csv") else { return }
    let (header, rows) = try readCSV(path)
    func cell(_ row: [String], _ name: String) -> Double {
      Double(row[header.firstIndex(of: name)!]) ?? .nan
    }
    let race = header.firstIndex(of: "race")!
    let y = rows.map { cell($0, "low") }
    let full = try matrix(
      rows.map { row in
        [
          cell(row, "age"), cell(row, "lwt"), row[race] == "black" ? 1 : 0,
          row[race] == "other" ? 1 : 0,
        ]
          + ["smoke", "ptl", "ht", "ui"].map { cell(row, $0) }
      })
    let fit = try fitLogistic(LogisticData(full, labels: y), parameters: plain())
    let certified = [
      -0.0271003108862335, -0.0151508184405216, 1.26264728439719, 0.862079161798227,
      0.923344822285272, 0.54183656476304, 1.83251780354859, 0.758513480171182, 0.46122388641737,
    ]
    #expect(relative(fit.coefficients + [fit.intercept], certified) < 1e-9)
    #expect(abs(fit.objective * -189 / -100.7239955662511 - 1) < 1e-11)
    let covariance = try fit.covariance(LogisticData(full, labels: y))
    #expect(abs(covariance[8, 8].squareRoot() / 1.204589748517 - 1) < 1e-8)
  }

  /// LIBLINEAR -s 0 -c 1 has no intercept; a copy of every row mirrored through the origin, with the
  /// opposite label, makes our free intercept 0 and twice the loss.
  @Test func heartScale() throws {
    guard let path = Shared.path("reference/heart_scale") else { return }
    var rows: [[Double]] = []
    var y: [Double] = []
    for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
      let cells = line.split(separator: " ")
      var row = [Double](repeating: 0, count: 13)
      for cell in cells.dropFirst() {
        let pair = cell.split(separator: ":")
        row[Int(pair[0])! - 1] = Double(pair[1])!
      }
      rows.append(row)
      y.append(cells[0] == "+1" ? 1 : 0)
    }
    #expect(rows.count == 270)
    let mirrored = try matrix(rows + rows.map { $0.map { -$0 } })
    // Half the loss of 540 rows: C = 1 for the 270 means λ = 1 / (C · 270).
    let fit = try fitLogistic(
      LogisticData(mirrored, labels: y + y.map { 1 - $0 }), parameters: plain(1.0 / 270))
    #expect(abs(fit.intercept) < 1e-10)
    #expect(abs(fit.objective * 270 / 98.226799508137 - 1) < 1e-11)
    #expect(
      relative(
        Array(fit.coefficients[0..<3]),
        [0.3500952670317542, 0.67917290144849152, 1.1577969585817662]) < 1e-8)
    let correct = zip(rows, y).filter { row, label in
      (zip(row, fit.coefficients).reduce(0) { $0 + $1.0 * $1.1 } > 0) == (label == 1)
    }
    #expect(abs(Double(correct.count) / 270 - 0.837037) < 1e-6)
  }

  /// glmnet's results as statsmodels keeps them. They were made of rows 2 to 200 (the first one was
  /// taken for a header), without an intercept: mirrored rows with the opposite label make ours 0.
  @Test func elasticNet() throws {
    guard let path = Shared.path("reference/enet_binomial.csv") else { return }
    let (_, rows) = try readCSV(path)
    let cells = rows.map { $0.compactMap(Double.init) }
    #expect(cells.count == 199)
    let standardised = (1...5).map { j in
      let mean = cells.reduce(0) { $0 + $1[j] } / 199
      let square = cells.reduce(0) { $0 + ($1[j] - mean) * ($1[j] - mean) }
      let deviation = (square / 198).squareRoot()
      return cells.map { ($0[j] - mean) / deviation }
    }
    let x = (0..<199).map { i in standardised.map { $0[i] } }
    let y = cells.map { $0[0] }
    let data = try LogisticData(
      matrix(x + x.map { $0.map { -$0 } }), labels: y + y.map { 1 - $0 })
    let glmnet: [(a: Double, lambda: Double, b: [Double])] = [
      (0, 6.618737, [0.004032037, 0.01433665, 0.01265635, 0.006173346, 0.01067706]),
      (0, 1.029661, [0.02180239, 0.07769613, 0.06756466, 0.03156418, 0.05851878]),
      (0, 0.1601819, [0.07111087, 0.2544921, 0.2110318, 0.08577924, 0.1984383]),
      (0.5, 0.05343991, [0.00499006, 0.2838563, 0.2167881, 0.02370156, 0.2096612]),
      (0.5, 0.02313286, [0.0708914, 0.3791042, 0.2938332, 0.07506391, 0.2982251]),
      (0.5, 0.00912408, [0.106681, 0.4327268, 0.3362166, 0.1019452, 0.3479955]),
      (1, 0.02932512, [0, 0.3085764, 0.2300801, 0.01143652, 0.2291531]),
      (1, 0.01269414, [0.07022348, 0.396642, 0.3044255, 0.07151663, 0.31301]),
      (1, 0.00549499, [0.1049623, 0.4385186, 0.3391729, 0.09907393, 0.3527401]),
    ]
    let exact: [Int: [Double]] = [
      2: [0.07111134, 0.25449344, 0.21103246, 0.08577712, 0.19843874],
      3: [0.00499159, 0.28386472, 0.21679163, 0.02368866, 0.20966504],
      7: [0.07022551, 0.39664808, 0.30442795, 0.07151049, 0.31301267],
    ]
    for (k, (a, lambda, certified)) in glmnet.enumerated() {
      let fit = try fitLogistic(
        data,
        parameters: LogisticParameters(
          penalty: Penalty(lambda: lambda, l1Ratio: a), standardise: false, tolerance: 1e-11))
      #expect(fit.maxGradient <= 1e-11 && abs(fit.intercept) < 1e-9)
      for (ours, theirs) in zip(fit.coefficients, certified) {
        // glmnet itself stops about 1e-5 short; a coefficient it sets to 0 is 0 here.
        #expect(theirs == 0 ? ours == 0 : abs(ours - theirs) < 1e-4 * max(0.2, abs(theirs)))
      }
      for (ours, value) in zip(fit.coefficients, exact[k] ?? []) {
        #expect(abs(ours - value) < 1e-6 * max(0.01, abs(value)))
      }
    }
  }

  /// pROC's own test values.
  @Test func aneurysmAreas() throws {
    guard let path = Shared.path("reference/aSAH.csv") else { return }
    let (header, rows) = try readCSV(path)
    let outcome = header.firstIndex(of: "outcome")!
    let y = rows.map { $0[outcome] == "Poor" ? 1.0 : 0 }
    func area(_ name: String) throws -> RocArea {
      let column = header.firstIndex(of: name)!
      return try RocArea(scores: rows.map { Double($0[column])! }, labels: y)
    }
    let ndka = try area("ndka")
    let s100b = try area("s100b")
    let wfns = try area("wfns")
    #expect(abs(ndka.area - 0.611957994579946) < 1e-12)
    #expect(abs(ndka.interval.low - 0.501244999271703) < 1e-12)
    #expect(abs(ndka.interval.high - 0.722670989888189) < 1e-12)
    #expect(abs(s100b.area - 0.731368563685637) < 1e-12)
    #expect(abs(s100b.interval.low - 0.630118211762) < 1e-12)
    #expect(abs(wfns.area - 0.823678861788618) < 1e-12)
    #expect(abs(wfns.interval.high - 0.898822835758) < 1e-12)
    let difference = try wfns.minus(s100b)
    #expect(abs(difference.z - 2.20898359144091) < 1e-12)
    #expect(abs(difference.p - 0.0271757822291882) < 1e-12)
    #expect(abs(try wfns.minus(ndka).z - 2.79777591868904) < 1e-12)
    #expect(abs(try ndka.minus(s100b).z - -1.39077002573558) < 1e-12)
  }
}

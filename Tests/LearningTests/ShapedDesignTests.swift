import Foundation
import Learning
import TestSupport
import Testing

/// The columns of `--shapes auto`, which look at x alone.
@Suite struct ShapedDesignTests {
  private func design(
    _ columns: [[Double]], weights: [Double]? = nil, threads: Int = 1
  ) throws -> (Design, Matrix) {
    let x = try Matrix(
      rows: columns[0].count, columns: columns.count, order: .columnMajor,
      elements: Array(columns.joined()))
    let sources = [DesignSource](repeating: .numeric, count: columns.count)
    return (
      try Design(
        fitting: x, sources: sources, shapes: .auto, weights: weights, threads: threads), x
    )
  }

  /// 70 % zeros, the others heavy-tailed.
  private func money(rows: Int, seed: UInt64 = 51) -> [Double] {
    var random = SplitMix64(seed)
    return (0..<rows).map { _ in
      random.uniform() < 0.7 ? 0 : (exp(1.5 * random.normal()) * 100).rounded() + 1
    }
  }

  /// In the rows' own room or beside it: the same bits, and rows that others hold stay as they are.
  @Test(arguments: [1, 3]) func expandingInPlaceChangesNoBit(threads: Int) throws {
    let rows = 9000
    var random = SplitMix64(57)
    var values: [Double] = []
    for row in 0..<rows {
      values += [random.normal(), 7, Double.nan, random.normal()]
      if row % 11 != 0 { values[4 * row + 2] = random.normal() }
    }
    func made() throws -> Matrix { try Matrix(rows: rows, columns: 4, elements: values) }
    let design = try Design(
      fitting: made(), sources: [DesignSource](repeating: .numeric, count: 4), shapes: .plain)
    #expect(design.width == 4)
    let expected = try design.expand(made())
    let held = try made()
    for result in [
      try design.expand(replacing: made(), threads: threads),
      try design.expand(replacing: held, threads: threads),
    ] {
      #expect(result.rows == rows && result.columns == 4)
      #expect((0..<rows).allSatisfy { result.row($0) == expected.row($0) })
    }
    #expect((0..<rows).allSatisfy { held[$0, 0] == values[4 * $0] })
    // Wider than the rows: in a room of its own.
    let wide = try Design(
      fitting: made(), sources: [DesignSource](repeating: .numeric, count: 4), shapes: .auto)
    #expect(wide.width > 4)
    let shaped = try wide.expand(made())
    let again = try wide.expand(replacing: made(), threads: threads)
    #expect((0..<rows).allSatisfy { shaped.row($0) == again.row($0) })
  }

  /// Every kind of column, in rows with missing values, is what its own definition says.
  @Test func expandedColumnsAreAsDefined() throws {
    var random = SplitMix64(58)
    let rows = 1000
    var amounts = money(rows: rows, seed: 59)
    var numbers = (0..<rows).map { _ in random.normal() * 3 }
    var levels = [Double](repeating: 0, count: rows)
    for row in stride(from: 4, to: rows, by: 5) { levels[row] = Double(row % 100 / 10) }
    for row in stride(from: 5, to: rows, by: 13) { amounts[row] = .nan }
    for row in stride(from: 2, to: rows, by: 17) { numbers[row] = .nan }
    for row in stride(from: 4, to: rows, by: 19) { levels[row] = .nan }
    let x = try Matrix(
      rows: rows, columns: 3, order: .columnMajor, elements: amounts + numbers + levels)
    let design = try Design(
      fitting: x, sources: [.numeric, .numeric, .categorical(levels: 12)], shapes: .auto)
    let z = try design.expand(x)
    for (k, column) in design.columns.enumerated() {
      let cleaning = design.cleaning[column.source]
      for row in 0..<rows {
        #expect(z[row, k] == column.value(cleaning.clean(x[row, column.source])))
      }
    }
    // The shares of the logit, without the expanded rows and with them.
    let weights = (0..<rows).map { 1 + Double($0 % 3) }
    let data = try LogisticData(z, labels: (0..<rows).map { Double($0 % 2) }, weights: weights)
    let fit = try fitLogistic(
      data, parameters: LogisticParameters(penalty: Penalty(lambda: 0.1), standardise: false))
    let shares = try fit.logitShares(design, x, weights: weights, threads: 2)
    let expected = try fit.logitShares(data, groups: (0..<design.width).map { [$0] })
    #expect(distance(shares, expected) < 1e-10)
  }

  @Test func zeroIsKept() throws {
    let values = money(rows: 3000)
    let (design, x) = try design([values])
    let bases = design.columns.map(\.basis)
    #expect(bases.prefix(2) == [.log1p, .nonzero])
    var steps = 0
    for case .step(let knot) in bases {
      #expect(knot > 0)
      steps += 1
    }
    // 30 % of the rows carry all knots.
    #expect(steps == 16)
    let z = try design.expand(x)
    let column = design.columns[1]
    for row in 0..<3000 {
      #expect(z[row, 1] == ((values[row] == 0 ? 0 : 1) - column.mean) / column.scale)
    }
    for k in design.columns.indices {
      let sum = z.column(k).reduce(0, +)
      let square = z.column(k).reduce(0) { $0 + $1 * $1 }
      #expect(abs(sum) < 1e-8 && abs(square / 3000 - 1) < 1e-10)
    }
  }

  @Test(arguments: [-999_999.0, 9_999_999_999, 99_999])
  func codesForMissingAreFound(code: Double) throws {
    var random = SplitMix64(52)
    let values = (0..<2000).map { _ in (random.normal() * 40 + 100).rounded() }
    let isMissing = values.indices.map { $0 % 9 == 4 }
    let coded = zip(values, isMissing).map { $1 ? code : $0 }
    let absent = zip(values, isMissing).map { $1 ? Double.nan : $0 }
    let (withCode, x) = try design([coded])
    let (withNaN, y) = try design([absent])
    #expect(withCode.cleaning[0].missingCodes == [code])
    #expect(withNaN.cleaning[0].missingCodes == [])
    #expect(withCode.columns == withNaN.columns)
    #expect(withCode.columns.map(\.basis).contains(.missing))
    let (a, b) = (try withCode.expand(x), try withNaN.expand(y))
    for row in 0..<2000 { #expect(a.row(row) == b.row(row)) }
    // A missing row stands at the mean of every column but its own indicator.
    let missing = a.row(4)
    for (k, column) in withCode.columns.enumerated() {
      #expect(column.basis == .missing ? missing[k] > 1 : missing[k] == 0)
    }
  }

  @Test func extremesThatAreNoCodes() throws {
    var random = SplitMix64(53)
    // Once is no code; neither is an end of a long tail.
    var once = (0..<1000).map { _ in random.normal() }
    once[17] = -999_999
    let (design, x) = try design([once, money(rows: 1000)])
    #expect(!design.cleaning.contains { !$0.missingCodes.isEmpty })
    // Clamped instead: the row counts as an ordinary low one.
    let z = try design.expand(x)
    #expect(abs(z[17, 0]) < 4)
  }

  @Test func aStepBetweenFewValues() throws {
    let values = (0..<900).map { Double($0 % 5 + 1) }
    let (design, _) = try design([values])
    #expect(
      design.columns.map(\.basis) == [
        .linear, .step(knot: 1.5), .step(knot: 2.5), .step(knot: 3.5), .step(knot: 4.5),
      ])
    let (binary, _) = try self.design([values.map { $0 > 2 ? 1 : 0 }])
    #expect(binary.columns.map(\.basis) == [.linear])
  }

  @Test func splitsNeedRowsOnBothSides() throws {
    // 9 rows above 0 are no split, 12 are.
    for (count, expected) in [(9, 0), (12, 1)] {
      let values = (0..<1000).map { $0 < count ? 2.0 : Double($0 % 2) }
      let (design, _) = try design([values])
      let steps = design.columns.filter { $0.basis == .step(knot: 1.5) }
      #expect(steps.count == expected)
    }
  }

  @Test func constantsAndCopiesAreDroppedAndReported() throws {
    let values = money(rows: 1000)
    let (design, _) = try design([
      values, [Double](repeating: 0, count: 1000), values, [Double](repeating: .nan, count: 1000),
    ])
    #expect(Set(design.columns.map(\.source)) == [0])
    let copies = design.dropped.filter { $0.source == 2 }
    #expect(copies.map(\.reason) == design.columns.indices.map { .duplicate(of: $0) })
    #expect(copies.map(\.basis) == design.columns.map(\.basis))
    for source in [1, 3] {
      #expect(design.dropped.filter { $0.source == source }.map(\.reason) == [.constant])
    }
  }

  @Test func unseenValuesAreClamped() throws {
    let (design, x) = try design([money(rows: 2000)])
    let largest = x.column(0).max() ?? 0
    let upper = try #require(design.cleaning[0].upper)
    #expect(upper < largest && design.cleaning[0].lower == 0)
    let z = try design.expand(try matrix([[1e12], [upper], [-5], [0]]))
    #expect(z.row(0) == z.row(1))
    #expect(z.row(2) == z.row(3))
    #expect(!z.row(0).contains { !$0.isFinite })
  }

  @Test func weightTwoIsTheRowTwice() throws {
    let values = money(rows: 1500)
    let weights = values.indices.map { Double(1 + $0 % 3 / 2) }
    let twice = values + values.indices.filter { weights[$0] == 2 }.map { values[$0] }
    let (weighted, _) = try design([values], weights: weights)
    let (repeated, _) = try design([twice])
    #expect(weighted.columns.map(\.basis) == repeated.columns.map(\.basis))
    #expect(weighted.cleaning == repeated.cleaning)
    #expect(distance(weighted.columns.map(\.mean), repeated.columns.map(\.mean)) < 1e-12)
    #expect(distance(weighted.columns.map(\.scale), repeated.columns.map(\.scale)) < 1e-12)
  }

  /// Many sources: fewer knots where few rows are divided, as many as ever where all are.
  @Test func columnsAreLimited() throws {
    var random = SplitMix64(54)
    var columns = (0..<300).map { _ in
      (0..<2000).map { _ in random.uniform() < 0.9 ? 0 : (exp(random.normal()) * 50).rounded() }
    }
    columns.append((0..<2000).map { _ in random.normal() })
    let (design, _) = try design(columns, threads: 2)
    #expect(design.columns.count <= Design.mostShapedColumns)
    func steps(_ source: Int) -> Int {
      design.columns.filter {
        guard case .step = $0.basis else { return false }
        return $0.source == source
      }.count
    }
    #expect(steps(300) == 16)
    #expect(steps(0) <= 3)
  }

  /// Model files from before there were shapes are read, and written the same.
  @Test func aPlainDesignIsCodedAsBefore() throws {
    let values = money(rows: 100)
    let x = try matrix(values.map { [$0] })
    let plain = try Design(fitting: x, sources: [.numeric])
    let text = try JSONEncoder().encode(plain)
    let keys = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any]).keys
    #expect(keys.sorted() == ["columns", "dropped", "sources"])
    #expect(try JSONDecoder().decode(Design.self, from: text) == plain)
    let shaped = try design([values]).0
    let again = try JSONDecoder().decode(Design.self, from: JSONEncoder().encode(shaped))
    #expect(again == shaped && again.cleaning[0].upper != nil)
  }

  /// Every case by its definition, on awkward values.
  @Test func basesAreTheirFormulas() {
    let values = [-1e6, -2.5, -0.0, 0, 1e-9, 2, 2.5, 1e12]
    func expect(
      _ basis: Basis, _ formula: (Double) -> Double,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let column = DesignColumn.reading(basis, mean: 0.25, scale: 2)
      for x in values {
        #expect(column.value(x) == (formula(x) - 0.25) / 2, sourceLocation: sourceLocation)
      }
    }
    expect(.linear) { $0 }
    expect(.nonzero) { $0 != 0 ? 1 : 0 }
    expect(.step(knot: 2)) { $0 > 2 ? 1 : 0 }
    expect(.hinge(knot: -2.5)) { max($0 + 2.5, 0) }
    expect(.logHinge(knot: 0.5)) { max(($0 < 0 ? -log1p(-$0) : log1p($0)) - 0.5, 0) }
    for basis in [
      Basis.linear, .log1p, .nonzero, .step(knot: 1), .hinge(knot: 1), .logHinge(knot: 1),
    ] {
      #expect(DesignColumn.reading(basis, mean: 3, scale: 2).value(.nan) == 0)
    }
    for (basis, value) in [(Basis.missing, 1.0), (.level(2), 0), (.pooled([1, 2]), 0)] {
      #expect(DesignColumn.reading(basis, mean: 0.25, scale: 2).value(.nan) == (value - 0.25) / 2)
    }
  }
}

extension DesignColumn {
  /// A column as a file would hold it.
  fileprivate static func reading(_ basis: Basis, mean: Double, scale: Double) -> DesignColumn {
    struct Text: Encodable {
      let source = 0
      let basis: Basis
      let mean: Double
      let scale: Double
    }
    do {
      return try JSONDecoder().decode(
        DesignColumn.self, from: JSONEncoder().encode(Text(basis: basis, mean: mean, scale: scale)))
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

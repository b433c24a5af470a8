import Learning

/// A model as an ONNX file: the transforms of raw columns, logit and probability, all in float64.
package enum ONNXFile {
  /// Inputs: a tensor of rows × 1 for each column, by its name, float64 (NaN is missing) or string
  /// (a text that is no level is missing); for NPY vectors one `x` of rows × columns. Outputs:
  /// `logit` and `probability`, rows × 1.
  package static func contents(_ score: PortableScore) -> [UInt8] {
    var printer = ONNXPrinter(score)
    return printer.file()
  }
}

private struct ONNXPrinter {
  private let score: PortableScore
  private var graph: ONNXGraph
  /// By source, what several of its columns need.
  private var numbers: [Int: String] = [:]
  private var logs: [Int: String] = [:]
  private var absences: [Int: String] = [:]
  private var codes: [Int: String] = [:]
  /// By column of the design, for pairs.
  private var columns: [Int: String] = [:]

  init(_ score: PortableScore) {
    self.score = score
    graph = ONNXGraph(inputNames: score.isNamed ? score.sources.map(\.name) : ["x"])
  }

  mutating func file() -> [UInt8] {
    if score.isNamed {
      for source in score.sources {
        graph.addInput(source.name, source.levels == nil ? .double : .string, columns: 1)
      }
    } else {
      graph.addInput("x", .double, columns: score.sources.count)
    }
    // Columns without weight are not computed: a lasso leaves many.
    var kept = score.coefficients.indices.filter { score.coefficients[$0] != 0 }
    if kept.isEmpty { kept = [0] }
    var coefficients = kept.map { score.coefficients[$0] }
    let design: String
    if let plan = score.design {
      design = concatenated(
        kept.map {
          $0 < plan.columns.count
            ? column($0, plan) : pair(plan.pairs[$0 - plan.columns.count], plan)
        })
    } else if score.isNamed {
      design = concatenated(kept.map { raw($0) })
    } else {
      design = "x"
      coefficients = score.coefficients
    }
    let weights = graph.constant(coefficients, shape: [coefficients.count, 1])
    let sum = graph.add("MatMul", [design, weights])
    let logit = graph.add("Add", [sum, graph.scalar(score.intercept)], named: "logit")
    probability(logit)
    for output in PortableScore.outputs { graph.addOutput(output) }
    return graph.file(
      description: "logit and probability of a row of vectors; NaN, or a text that is no level, is "
        + "missing")
  }

  /// The output `probability` of the output `logit`.
  private mutating func probability(_ logit: String) {
    switch score.calibration {
    case .none:
      _ = graph.add("Sigmoid", [logit], named: "probability")
    case .platt(let slope, let intercept):
      let scaled = graph.add("Mul", [logit, graph.scalar(slope)])
      let moved = graph.add("Add", [scaled, graph.scalar(intercept)])
      _ = graph.add("Sigmoid", [moved], named: "probability")
    case .beta(let a, let b, let c):
      let below = graph.add(
        "Mul", [softplus(graph.add("Neg", [logit])), graph.scalar(-a)])
      let above = graph.add("Mul", [softplus(logit), graph.scalar(b)])
      let sum = graph.add("Add", [graph.add("Add", [below, above]), graph.scalar(c)])
      _ = graph.add("Sigmoid", [sum], named: "probability")
    case .isotonic(let knots):
      let ramps = knots.ramps
      let first = graph.scalar(knots.probabilities[0])
      guard !ramps.isEmpty else {
        let nothing = graph.add("Mul", [logit, graph.scalar(0)])
        _ = graph.add("Add", [nothing, first], named: "probability")
        return
      }
      let from = graph.constant(ramps.map(\.from), shape: [1, ramps.count])
      let to = graph.constant(ramps.map(\.to), shape: [1, ramps.count])
      let slopes = graph.constant(ramps.map(\.slope), shape: [ramps.count, 1])
      let inside = graph.add("Min", [graph.add("Max", [logit, from]), to])
      let rises = graph.add("MatMul", [graph.add("Sub", [inside, from]), slopes])
      _ = graph.add("Add", [rises, first], named: "probability")
    }
  }

  /// log(1 + exp(x)) = max(x, 0) + log(1 + exp(−|x|)).
  private mutating func softplus(_ x: String) -> String {
    let small = graph.add("Exp", [graph.add("Neg", [graph.add("Abs", [x])])])
    let log = graph.add("Log", [graph.add("Add", [small, graph.scalar(1)])])
    return graph.add("Add", [graph.add("Max", [x, graph.scalar(0)]), log])
  }

  private mutating func concatenated(_ columns: [String]) -> String {
    columns.count == 1 ? columns[0] : graph.add("Concat", columns, ["axis": .int(1)])
  }

  private mutating func ints(_ values: [Int]) -> String {
    graph.constant(values, shape: [values.count])
  }

  /// A standardised column, 0 where it is missing.
  private mutating func column(_ index: Int, _ design: Design) -> String {
    if let known = columns[index] { return known }
    let column = design.columns[index]
    let source = column.source
    let isText = score.sources[source].levels != nil
    func scaled(_ value: Double) -> String { graph.scalar((value - column.mean) / column.scale) }
    let name: String
    switch column.basis {
    case .linear:
      name = present(standardised(number(source, design), column), source, design)
    case .log1p:
      name = present(standardised(log(source, design), column), source, design)
    case .nonzero:
      let isZero = graph.add("Equal", [number(source, design), graph.scalar(0)])
      name = present(graph.add("Where", [isZero, scaled(0), scaled(1)]), source, design)
    case .step(let knot):
      let isAbove = graph.add("Greater", [number(source, design), graph.scalar(knot)])
      name = present(graph.add("Where", [isAbove, scaled(1), scaled(0)]), source, design)
    case .hinge(let knot):
      name = present(
        standardised(hinge(number(source, design), knot), column), source, design)
    case .logHinge(let knot):
      name = present(standardised(hinge(log(source, design), knot), column), source, design)
    case .missing where !isText:
      name = graph.add("Where", [absence(source, design), scaled(1), scaled(0)])
    case .missing, .level, .pooled:
      // The value of each level, then that of a text which is none: place −1 is the last.
      let levels = score.sources[source].levels ?? []
      let values = levels.indices.map { column.value(Double($0)) } + [column.value(.nan)]
      let table = graph.constant(values, shape: [values.count])
      name = graph.add("Gather", [table, code(source)])
    }
    columns[index] = name
    return name
  }

  private mutating func pair(_ pair: DesignPair, _ design: Design) -> String {
    let product = graph.add("Mul", [column(pair.first, design), column(pair.second, design)])
    let centred = graph.add("Sub", [product, graph.scalar(pair.mean)])
    return graph.add("Div", [centred, graph.scalar(pair.scale)])
  }

  /// max(x − knot, 0), NaN where x is.
  private mutating func hinge(_ x: String, _ knot: Double) -> String {
    let isAbove = graph.add("Greater", [x, graph.scalar(knot)])
    let above = graph.add("Sub", [x, graph.scalar(knot)])
    return graph.add("Where", [isAbove, above, graph.scalar(0)])
  }

  private mutating func standardised(_ value: String, _ column: DesignColumn) -> String {
    let centred = graph.add("Sub", [value, graph.scalar(column.mean)])
    return graph.add("Div", [centred, graph.scalar(column.scale)])
  }

  /// The value, or 0 where the source is missing.
  private mutating func present(_ value: String, _ source: Int, _ design: Design) -> String {
    graph.add("Where", [absence(source, design), graph.scalar(0), value])
  }

  /// A source as it comes.
  private mutating func raw(_ source: Int) -> String {
    score.isNamed
      ? score.sources[source].name
      : graph.add("Gather", ["x", ints([source])], ["axis": .int(1)])
  }

  /// A number as bases see it: `SourceCleaning` in ONNX.
  private mutating func number(_ source: Int, _ design: Design) -> String {
    if let known = numbers[source] { return known }
    let cleaning = design.cleaning[source]
    let x = raw(source)
    var name = x
    if let lower = cleaning.lower.map({ graph.scalar($0) }) {
      name = graph.add("Where", [graph.add("Less", [name, lower]), lower, name])
    }
    if let upper = cleaning.upper.map({ graph.scalar($0) }) {
      name = graph.add("Where", [graph.add("Greater", [name, upper]), upper, name])
    }
    for code in cleaning.missingCodes {
      let isCode = graph.add("Equal", [x, graph.scalar(code)])
      name = graph.add("Where", [isCode, graph.scalar(.nan), name])
    }
    numbers[source] = name
    return name
  }

  private mutating func absence(_ source: Int, _ design: Design) -> String {
    if let known = absences[source] { return known }
    let name = graph.add("IsNaN", [number(source, design)])
    absences[source] = name
    return name
  }

  /// The place of the text among the levels, −1 for any other.
  private mutating func code(_ source: Int) -> String {
    if let known = codes[source] { return known }
    let column = score.sources[source]
    let levels = column.levels ?? []
    let name = graph.add(
      "LabelEncoder", [column.name], domain: "ai.onnx.ml",
      [
        "keys_strings": .strings(levels), "values_int64s": .ints(Array(levels.indices)),
        "default_int64": .int(-1),
      ])
    codes[source] = name
    return name
  }

  /// sign(x) log(1 + |x|), by Kahan's way (see `ScoreSQL`).
  private mutating func log(_ source: Int, _ design: Design) -> String {
    if let known = logs[source] { return known }
    let x = number(source, design)
    let magnitude = graph.add("Abs", [x])
    let u = graph.add("Add", [magnitude, graph.scalar(1)])
    let rounded = graph.add("Sub", [u, graph.scalar(1)])
    let quotient = graph.add("Div", [magnitude, rounded])
    let product = graph.add("Mul", [graph.add("Log", [u]), quotient])
    let tiny = graph.add("Equal", [rounded, graph.scalar(0)])
    let value = graph.add("Where", [tiny, magnitude, product])
    let name = graph.add("Mul", [graph.add("Sign", [x]), value])
    logs[source] = name
    return name
  }
}

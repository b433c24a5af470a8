/// A graph of ONNX operators under construction. Every value is a tensor of rows × 1 unless said
/// otherwise, numbers are float64.
///
/// Numbers of fields: onnx/onnx.proto, IR version 8 (operators 17, ai.onnx.ml 3).
struct ONNXGraph {
  enum Element: Int { case int64 = 7, string = 8, double = 11 }

  enum Attribute {
    case int(Int)
    case ints([Int])
    case strings([String])
  }

  private var nodes: [Protobuf] = []
  private var constants: [Protobuf] = []
  private var inputs: [Protobuf] = []
  private var outputs: [Protobuf] = []
  private var scalars: [UInt64: String] = [:]
  /// What the names of all inner values start with; no input's does.
  private let prefix: String
  private var count = 0

  init(inputNames: [String]) {
    var prefix = "tacit_"
    while inputNames.contains(where: { $0.utf8.starts(with: prefix.utf8) }) { prefix += "_" }
    self.prefix = prefix
  }

  mutating func addInput(_ name: String, _ element: Element, columns: Int) {
    inputs.append(Self.value(name, element, columns))
  }

  mutating func addOutput(_ name: String) { outputs.append(Self.value(name, .double, 1)) }

  /// The result of an operator.
  mutating func add(
    _ operation: String, _ inputs: [String], domain: String = "", named name: String? = nil,
    _ attributes: KeyValuePairs<String, Attribute> = [:]
  ) -> String {
    let output = name ?? fresh()
    var node = Protobuf()
    for input in inputs { node.add(1, input) }
    node.add(2, output)
    node.add(4, operation)
    for (name, value) in attributes { node.add(5, Self.attribute(name, value)) }
    if !domain.isEmpty { node.add(7, domain) }
    nodes.append(node)
    return output
  }

  /// A number that goes with any shape; the same number is one constant.
  mutating func scalar(_ value: Double) -> String {
    if let known = scalars[value.bitPattern] { return known }
    let name = constant([value], shape: [])
    scalars[value.bitPattern] = name
    return name
  }

  mutating func constant(_ values: [Double], shape: [Int]) -> String {
    constant(.double, values.map(\.bitPattern), shape)
  }

  mutating func constant(_ values: [Int], shape: [Int]) -> String {
    constant(.int64, values.map { UInt64(bitPattern: Int64($0)) }, shape)
  }

  private mutating func constant(_ element: Element, _ words: [UInt64], _ shape: [Int]) -> String {
    let name = fresh()
    var tensor = Protobuf()
    for size in shape { tensor.add(1, size) }
    tensor.add(2, element.rawValue)
    tensor.add(8, name)
    tensor.add(
      9, words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
    constants.append(tensor)
    return name
  }

  /// The whole file.
  func file(description: String) -> [UInt8] {
    var model = Protobuf()
    model.add(1, 8)
    model.add(2, "tacit")
    model.add(6, description)
    model.add(7) { graph in
      for node in nodes { graph.add(1, node) }
      graph.add(2, "tacit")
      for constant in constants { graph.add(5, constant) }
      for input in inputs { graph.add(11, input) }
      for output in outputs { graph.add(12, output) }
    }
    for (domain, version) in [("", 17), ("ai.onnx.ml", 3)] {
      model.add(8) {
        $0.add(1, domain)
        $0.add(2, version)
      }
    }
    return model.bytes
  }

  private mutating func fresh() -> String {
    count += 1
    return "\(prefix)\(count)"
  }

  private static func value(_ name: String, _ element: Element, _ columns: Int) -> Protobuf {
    var value = Protobuf()
    value.add(1, name)
    value.add(2) { type in
      type.add(1) { tensor in
        tensor.add(1, element.rawValue)
        tensor.add(2) { shape in
          shape.add(1) { $0.add(2, "rows") }
          shape.add(1) { $0.add(1, columns) }
        }
      }
    }
    return value
  }

  private static func attribute(_ name: String, _ value: Attribute) -> Protobuf {
    var attribute = Protobuf()
    attribute.add(1, name)
    switch value {
    case .int(let number):
      attribute.add(3, number)
      attribute.add(20, 2)
    case .ints(let numbers):
      for number in numbers { attribute.add(8, number) }
      attribute.add(20, 7)
    case .strings(let texts):
      for text in texts { attribute.add(9, text) }
      attribute.add(20, 8)
    }
    return attribute
  }
}

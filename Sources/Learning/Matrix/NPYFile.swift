import Foundation

/// Files of NumPy's NPY format, versions 1 to 3: little-endian arrays of one or two dimensions.
///
/// Format: numpy/lib/format.py. A magic string, a version, the length of a header, the header (a
/// Python dictionary with exactly `descr`, `fortran_order`, `shape`), then the values.
package enum NPYFile {
  /// The two-dimensional array of a file as a matrix.
  ///
  /// float64 values are mapped, in either order, and read in at once unless they are more than half
  /// of memory; other types are converted into an owned block. Throws `LearningError.file`, `.npy`
  /// or `.noRoom` with the path. O(file).
  package static func matrix(at path: String) throws(LearningError) -> Matrix {
    let map = try MappedFile(path: path)
    let header = try NPYHeader(parsing: map, path: path)
    guard header.shape.count == 2 else {
      throw .npy(path: path, problem: "expected two dimensions, got shape \(header.shapeText)")
    }
    let rows = header.shape[0]
    let columns = header.shape[1]
    let order: Matrix.Order = header.fortranOrder ? .columnMajor : .rowMajor
    map.readIn()
    guard header.descr == "<f8", header.dataOffset % MemoryLayout<Double>.alignment == 0 else {
      return Matrix(
        rows: rows, columns: columns, order: order,
        storage: try converted(map, header, path: path))
    }
    let bytes = UnsafeRawBufferPointer(rebasing: map.bytes[header.dataOffset...])
    let values = UnsafeBufferPointer(
      rebasing: bytes.assumingMemoryBound(to: Double.self)[..<(rows * columns)])
    // The closure keeps the mapping alive as long as the matrix.
    let storage = MatrixStorage(values: values) { withExtendedLifetime(map) {} }
    return Matrix(rows: rows, columns: columns, order: order, storage: storage)
  }

  /// The first bytes of a file of float64 rows × columns in C order: 128 of them for any shape, so
  /// that a count known last can be written over the first.
  package static func header(rows: Int, columns: Int) -> [UInt8] {
    var text = Array(
      "{'descr': '<f8', 'fortran_order': False, 'shape': (\(rows), \(columns)), }".utf8)
    while text.count < 117 { text.append(0x20) }
    text.append(0x0a)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count), 0] + text
  }

  /// The one-dimensional array of a file: float64, float32, int64, int32, int8, uint8 or bool.
  package static func vector(at path: String) throws(LearningError) -> [Double] {
    let map = try MappedFile(path: path)
    let header = try NPYHeader(parsing: map, path: path)
    guard header.shape.count == 1 else {
      throw .npy(path: path, problem: "expected one dimension, got shape \(header.shapeText)")
    }
    return try converted(map, header, path: path).copied()
  }

  /// The values of a file, of whatever type, as float64.
  private static func converted(
    _ map: MappedFile, _ header: NPYHeader, path: String
  ) throws(LearningError) -> MatrixStorage {
    let count = header.shape.reduce(1, *)
    try PhysicalMemory.check(8 * count, for: "\(path) as float64")
    let storage = MatrixStorage(uninitialized: count)
    func load<T>(_ type: T.Type, _ convert: @Sendable (T) -> Double) {
      let stripes = StripedWork.bounds(of: count, unit: 4096)
      StripedWork.run(stripes: stripes.count, threads: 2) { stripe in
        let bytes = UnsafeRawBufferPointer(rebasing: map.bytes[header.dataOffset...])
        let target = storage.mutableValues
        for i in stripes[stripe] {
          target[i] = convert(
            bytes.loadUnaligned(fromByteOffset: MemoryLayout<T>.size * i, as: type))
        }
      }
    }
    switch header.descr {
    case "<f8": load(Double.self) { $0 }
    case "<f4": load(Float.self) { Double($0) }
    case "<i8": load(Int64.self) { Double($0) }
    case "<i4": load(Int32.self) { Double($0) }
    case "|i1": load(Int8.self) { Double($0) }
    case "|u1": load(UInt8.self) { Double($0) }
    default:
      for (i, byte) in map.bytes[header.dataOffset...].enumerated() where byte > 1 {
        throw .npy(
          path: path, problem: "expected bytes 0 or 1 of type '|b1', got \(byte) at place \(i)")
      }
      load(UInt8.self) { Double($0) }
    }
    return storage
  }
}

/// The three facts of an NPY header, and where the values start.
struct NPYHeader {
  let descr: String
  let fortranOrder: Bool
  let shape: [Int]
  let dataOffset: Int

  var shapeText: String { "(" + shape.map { "\($0)" }.joined(separator: ", ") + ")" }

  init(parsing map: MappedFile, path: String) throws(LearningError) {
    let bytes = map.bytes
    func fail(_ problem: String) -> LearningError { .npy(path: path, problem: problem) }
    guard bytes.count >= 10, bytes[0] == 0x93, bytes[1..<6].elementsEqual("NUMPY".utf8) else {
      throw fail("expected an NPY file (bytes 93 'NUMPY' first), got \(bytes.count) other bytes")
    }
    guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
      throw fail("expected NPY version 1.0, 2.0 or 3.0, got \(bytes[6]).\(bytes[7])")
    }
    let lengthBytes = bytes[6] == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthBytes else {
      throw fail("the header's length is cut off after \(bytes.count) bytes")
    }
    var length = 0
    for i in (0..<lengthBytes).reversed() { length = length << 8 | Int(bytes[8 + i]) }
    let start = 8 + lengthBytes
    guard length <= bytes.count - start else {
      throw fail("expected a header of \(length) bytes, the file ends after \(bytes.count - start)")
    }
    var parser = LiteralParser(bytes: Array(bytes[start..<(start + length)]))
    guard let fields = parser.dictionary() else {
      throw fail(
        "the header is not a dictionary of 'descr', 'fortran_order' and 'shape' (byte "
          + "\(start + parser.position))")
    }
    guard let descr = fields.descr, let fortranOrder = fields.fortranOrder, let shape = fields.shape
    else { throw fail("the header lacks one of 'descr', 'fortran_order' and 'shape'") }
    let itemSize: Int
    switch descr {
    case "<f8", "<i8": itemSize = 8
    case "<f4", "<i4": itemSize = 4
    case "|b1", "|i1", "|u1": itemSize = 1
    default:
      throw fail(
        "expected little-endian numbers such as '<f8', got '\(descr)' (convert with astype)")
    }
    var needed = itemSize
    for size in shape {
      let (product, overflow) = needed.multipliedReportingOverflow(by: size)
      guard !overflow else { throw fail("shape \(shape) is larger than memory can be") }
      needed = product
    }
    let present = bytes.count - start - length
    guard present == needed else {
      throw fail("shape \(shape) of '\(descr)' needs \(needed) bytes of values, got \(present)")
    }
    self.descr = descr
    self.fortranOrder = fortranOrder
    self.shape = shape
    self.dataOffset = start + length
  }
}

/// Reads the Python literal of an NPY header; nil wherever the text is anything else.
private struct LiteralParser {
  let bytes: [UInt8]
  var position = 0

  struct Fields {
    var descr: String?
    var fortranOrder: Bool?
    var shape: [Int]?
  }

  init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func take(_ text: String) -> Bool {
    skipSpace()
    let wanted = Array(text.utf8)
    guard bytes[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  private mutating func string() -> String? {
    skipSpace()
    guard position < bytes.count, bytes[position] == 0x27 || bytes[position] == 0x22 else {
      return nil
    }
    let quote = bytes[position]
    guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { return nil }
    defer { position = end + 1 }
    return String(bytes: bytes[(position + 1)..<end], encoding: .utf8)
  }

  private mutating func number() -> Int? {
    skipSpace()
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    guard position > start else { return nil }
    return Int(String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var sizes: [Int] = []
    while !take(")") {
      guard let size = number() else { return nil }
      sizes.append(size)
      if !take(",") {
        guard take(")") else { return nil }
        return sizes.count == 1 ? nil : sizes
      }
    }
    return sizes
  }

  mutating func dictionary() -> Fields? {
    var fields = Fields()
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = string(), take(":") else { return nil }
      switch key {
      case "descr" where fields.descr == nil:
        guard let text = string() else { return nil }
        fields.descr = text
      case "fortran_order" where fields.fortranOrder == nil:
        if take("True") {
          fields.fortranOrder = true
        } else if take("False") {
          fields.fortranOrder = false
        } else {
          return nil
        }
      case "shape" where fields.shape == nil:
        guard let sizes = tuple() else { return nil }
        fields.shape = sizes
      default: return nil
      }
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    skipSpace()
    return position == bytes.count ? fields : nil
  }
}

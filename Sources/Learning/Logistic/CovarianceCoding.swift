import Foundation

extension ParameterCovariance: Codable {
  private enum CodingKeys: String, CodingKey { case center, scale, triangle }

  /// `triangle`: the lower triangle row by row as little-endian float64 in base64: 11 bytes a value,
  /// 1.3 MB for 500 columns, and the same bits when read back.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let center = try values.decode([Double].self, forKey: .center)
    let scale = try values.decode([Double].self, forKey: .scale)
    let bytes = try values.decode(Data.self, forKey: .triangle)
    let size = center.count + 1
    guard scale.count == center.count, bytes.count == 8 * (size * (size + 1) / 2) else {
      throw DecodingError.dataCorruptedError(
        forKey: .triangle, in: values,
        debugDescription: "\(bytes.count) bytes and \(scale.count) scales for \(size) parameters")
    }
    var elements = [Double](repeating: 0, count: size * size)
    bytes.withUnsafeBytes { bytes in
      var place = 0
      for i in 0..<size {
        for j in 0...i {
          let bits = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
          elements[i * size + j] = Double(bitPattern: UInt64(littleEndian: bits))
          elements[j * size + i] = elements[i * size + j]
          place += 8
        }
      }
    }
    self.init(center: center, scale: scale, elements: elements)
  }

  package func encode(to encoder: any Encoder) throws {
    let size = center.count + 1
    var bytes = Data(capacity: 4 * size * (size + 1))
    for i in 0..<size {
      for j in 0...i {
        withUnsafeBytes(of: elements[i * size + j].bitPattern.littleEndian) {
          bytes.append(contentsOf: $0)
        }
      }
    }
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(center, forKey: .center)
    try values.encode(scale, forKey: .scale)
    try values.encode(bytes, forKey: .triangle)
  }
}

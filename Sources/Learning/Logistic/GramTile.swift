/// A number type in which a tile's Gram matrix can be made.
protocol GramScalar: SendableMetatype {
  init(_ value: Double)
  var asDouble: Double { get }
  static func gram(
    _ z: UnsafePointer<Self>, count: Int, columns: Int, order: Matrix.Order, stride: Int,
    into c: UnsafeMutablePointer<Self>)
}

extension Float: GramScalar {
  var asDouble: Double { Double(self) }
  static func gram(
    _ z: UnsafePointer<Float>, count: Int, columns: Int, order: Matrix.Order, stride: Int,
    into c: UnsafeMutablePointer<Float>
  ) {
    BLAS.gram(z, count: count, columns: columns, order: order, stride: stride, into: c)
  }
}

extension Double: GramScalar {
  var asDouble: Double { self }
  static func gram(
    _ z: UnsafePointer<Double>, count: Int, columns: Int, order: Matrix.Order, stride: Int,
    into c: UnsafeMutablePointer<Double>
  ) {
    BLAS.gram(z, count: count, columns: columns, order: order, stride: stride, into: c)
  }
}

/// Scratch for the Gram matrix of one tile: its rows centred, scaled, times √h, with the intercept's
/// column of √h last, in the matrix's own order.
struct GramTile<Scalar: GramScalar>: ~Copyable {
  private let columns: Int
  private let tile: Int
  private let order: Matrix.Order
  /// Leading dimension; whole cache lines.
  private let stride: Int
  private let z: UnsafeMutablePointer<Scalar>
  private let product: UnsafeMutablePointer<Scalar>

  init(columns: Int, tile: Int, order: Matrix.Order) {
    self.columns = columns
    self.tile = tile
    self.order = order
    let width = columns + 1
    stride = order == .rowMajor ? (width + 15) / 16 * 16 : tile + 16
    z = .allocate(capacity: order == .rowMajor ? stride * tile : stride * width)
    product = .allocate(capacity: width * width)
    product.initialize(repeating: Scalar(0), count: width * width)
  }

  deinit {
    z.deallocate()
    product.deallocate()
  }

  /// Adds Σ h z z' over the block to `sums` (lower triangle, column-major). O(rows × columns²).
  mutating func add(
    _ block: BLAS.Rows, center: [Double], inverseScale: [Double], root: UnsafePointer<Double>,
    into sums: inout [Double]
  ) {
    let width = columns + 1
    let count = block.count
    precondition(count <= tile && block.columns == columns && sums.count == width * width)
    center.withUnsafeBufferPointer { center in
      inverseScale.withUnsafeBufferPointer { inverse in
        if order == .rowMajor {
          for i in 0..<count {
            let from = block.start + i * columns
            let to = z + i * stride
            let h = root[i]
            for j in 0..<columns { to[j] = Scalar((from[j] - center[j]) * (inverse[j] * h)) }
            to[columns] = Scalar(h)
          }
        } else {
          for j in 0..<columns {
            let from = block.start + j * Int(block.stride)
            let to = z + j * stride
            let m = center[j]
            let unit = inverse[j]
            for i in 0..<count { to[i] = Scalar((from[i] - m) * unit * root[i]) }
          }
          let to = z + columns * stride
          for i in 0..<count { to[i] = Scalar(root[i]) }
        }
      }
    }
    Scalar.gram(z, count: count, columns: width, order: order, stride: stride, into: product)
    sums.withUnsafeMutableBufferPointer { sums in
      for j in 0..<width {
        for i in j..<width { sums[j * width + i] += product[j * width + i].asDouble }
      }
    }
  }
}

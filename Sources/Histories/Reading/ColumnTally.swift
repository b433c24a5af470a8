/// What one worker learns of one column while a table is scanned. The owner calls `deallocate`.
struct ColumnTally {
  /// More distinct texts than this are not kept.
  static let mostLevels = 10_000
  /// What other programs write for a missing number; in a column of texts they are levels.
  private static let marks: [[UInt8]] = ["NA", "N/A", "NULL", "null", "None", "?"].map {
    Array($0.utf8)
  }

  /// A cell's place: the chunk and the line in it.
  struct Place: Comparable {
    var chunk: Int
    var line: Int

    static func < (a: Place, b: Place) -> Bool { (a.chunk, a.line) < (b.chunk, b.line) }
  }

  private(set) var numbers = 0
  private(set) var empty = 0
  /// Cells of spaces only.
  private(set) var blank = 0
  /// Cells that hold a mark of a missing number, and all other texts.
  private(set) var marked = 0
  private(set) var others = 0
  private(set) var least = Double.infinity
  private(set) var most = -Double.infinity
  private(set) var isWhole = true
  private(set) var sample = DistinctSample()
  /// The texts that are no numbers (all cells where `keepsAll`), up to the limit.
  private(set) var texts = TextTable()
  private(set) var hasTooMany = false
  private(set) var firstOther: Place?
  private(set) var firstMissing: Place?
  private(set) var firstNotText: Place?
  private let keepsAll: Bool

  /// `keepsAll`: numbers are kept as texts too, as the values of a target are.
  init(keepsAll: Bool) { self.keepsAll = keepsAll }

  func deallocate() { sample.deallocate() }

  @inline(__always)
  mutating func add(_ field: Field, _ place: @autoclosure () -> Place) {
    if let number = Self.number(field) {
      numbers &+= 1
      if number < least { least = number }
      if number > most { most = number }
      if isWhole, number != number.rounded(.towardZero) { isWhole = false }
      sample.add(Self.mixed(number.bitPattern))
      if keepsAll { addText(field, place()) }
    } else {
      addOther(field, place())
    }
  }

  /// Up to eight digits at once, anything else by the longer way.
  @inline(__always)
  private static func number(_ field: Field) -> Double? {
    guard field.count > 0, field.start.pointee <= 0x39 else { return nil }
    return DecimalNumber(field)?.value
  }

  /// The finalizer of SplitMix64.
  @inline(__always)
  private static func mixed(_ bits: UInt64) -> UInt64 {
    var z = bits &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z &>> 31)
  }

  private mutating func addOther(_ field: Field, _ place: Place) {
    if Self.isBlank(field) {
      if field.count == 0 { empty += 1 } else { blank += 1 }
      if firstMissing == nil { firstMissing = place }
      return
    }
    if Self.isMark(field) {
      marked += 1
      if firstMissing == nil { firstMissing = place }
    } else {
      others += 1
      if firstOther == nil { firstOther = place }
    }
    sample.add(addText(field, place))
  }

  /// Keeps a text; its hash.
  @discardableResult
  private mutating func addText(_ field: Field, _ place: Place) -> UInt64 {
    let hash = TextTable.hash(field.bytes)
    guard !hasTooMany else { return hash }
    let count = texts.count
    texts.add(field.bytes, hash: hash)
    guard texts.count > count else { return hash }
    if firstNotText == nil, field.text == nil || field.bytes.contains(0) { firstNotText = place }
    hasTooMany = texts.count > Self.mostLevels
    return hash
  }

  static func isBlank(_ field: Field) -> Bool { field.bytes.allSatisfy { $0 == 0x20 } }

  static func isMark(_ field: Field) -> Bool {
    guard field.count <= 4 else { return false }
    return marks.contains { $0.elementsEqual(field.bytes) }
  }

  mutating func add(_ other: ColumnTally) {
    numbers += other.numbers
    empty += other.empty
    blank += other.blank
    marked += other.marked
    others += other.others
    least = min(least, other.least)
    most = max(most, other.most)
    isWhole = isWhole && other.isWhole
    sample.add(other.sample)
    if !hasTooMany { texts.add(other.texts) }
    hasTooMany = hasTooMany || other.hasTooMany || texts.count > Self.mostLevels
    firstOther = [firstOther, other.firstOther].compactMap(\.self).min()
    firstMissing = [firstMissing, other.firstMissing].compactMap(\.self).min()
    firstNotText = [firstNotText, other.firstNotText].compactMap(\.self).min()
  }
}

import Foundation

/// What a Gram matrix of all columns may take.
enum GramMemory {
  /// A solver holds about eight matrices of (columns + 1)² float64 values: the Hessian, its factor
  /// and inverse, and the sums of stripes at work.
  static func bytes(columns: Int) -> Double { 8 * 8 * Double(columns + 1) * Double(columns + 1) }

  /// Half of the machine's memory.
  static var limit: Double {
    Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE))) / 2
  }

  /// Throws `tooManyColumns` where the Gram matrices of so many columns would pass the limit.
  static func check(columns: Int) throws(LearningError) {
    let (needed, limit) = (bytes(columns: columns), limit)
    guard needed <= limit else {
      throw .tooManyColumns(columns: columns, bytes: needed, limit: limit)
    }
  }
}

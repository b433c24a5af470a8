import Foundation

/// An array of C strings, such as libpq takes, ended by a null pointer; it lives as long as its owner.
package final class CStrings {
  package let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>
  private let count: Int

  package init(_ texts: [String?]) {
    count = texts.count
    pointers = .allocate(capacity: count + 1)
    for (place, text) in texts.enumerated() {
      (pointers + place).initialize(to: text.flatMap { UnsafePointer(strdup($0)) })
    }
    (pointers + count).initialize(to: nil)
  }

  deinit {
    for place in 0..<count { free(UnsafeMutablePointer(mutating: pointers[place])) }
    pointers.deallocate()
  }
}

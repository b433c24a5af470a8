import Foundation

/// libFuzzer's entry: hands its bytes to the target that TACIT_FUZZ_TARGET names.
private struct Driver {
  let target: FuzzTarget
  let folder = FuzzFolder()

  init() {
    let name = ProcessInfo.processInfo.environment["TACIT_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      fatalError("TACIT_FUZZ_TARGET: \(FuzzTarget.allCases.map(\.rawValue))")
    }
    self.target = target
  }
}

nonisolated(unsafe) private let driver = Driver()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  driver.target.run(Array(UnsafeBufferPointer(start: start, count: count)), in: driver.folder)
  return 0
}

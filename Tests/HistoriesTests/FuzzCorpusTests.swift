import Foundation
import TestSupport
import Testing

/// The inputs that `make fuzz` found and kept, one after another: those that reach most of the readers'
/// code, and every one that ever broke them.
@Suite struct FuzzCorpusTests {
  @Test(arguments: FuzzTarget.allCases)
  func whatWasKeptIsRead(_ target: FuzzTarget) throws {
    let folder = Shared.root.appendingPathComponent("fuzz/corpus/\(target.rawValue)")
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }
    #expect(!files.isEmpty)
    let place = FuzzFolder()
    for file in files {
      let input = [UInt8](try Data(contentsOf: file))
      target.run(input, in: place)
      // Cut short and doubled, for a little more.
      target.run(Array(input.prefix(input.count / 2)), in: place)
      target.run(input + input, in: place)
    }
  }
}

import Synchronization

/// The partitions of a base: all in memory where they fit, else those used last, the others read again
/// from disk when they are asked for.
final class PartitionShelf: Sendable {
  /// Events of so many bytes, some 30 million, are kept in memory whole.
  static let resident = 1 << 30
  /// Of more than that, so much is kept.
  private static let mostRecent = 512 << 20

  private let kept: [Partition]
  private let stored: StoredParts
  /// What no file has, where partitions are read again: the rows of the accounts file.
  private let live: [Partition]
  private let recent = Mutex(Recent())

  private struct Recent {
    var partitions: [Int: (partition: Partition, used: Int)] = [:]
    var bytes = 0
    var uses = 0
  }

  /// What is to be known of each partition beforehand.
  struct Facts {
    var accounts = 0
    var erased = 0
    var repeats = 0
  }
  let facts: [Facts]

  /// Takes every partition of the intake once, and so sees that all of them are sound.
  init(_ intake: HistoryIntake, threads: Int, resident: Int) throws(PackedFault) {
    struct State {
      var kept: [Partition?]
      var live: [Partition?]
      var facts: [Facts]
      var bytes = 0
      var fault: PackedFault?
    }
    let count = intake.partitions
    let state = Mutex(
      State(
        kept: Array(repeating: nil, count: count), live: Array(repeating: nil, count: count),
        facts: Array(repeating: Facts(), count: count)))
    let tickets = Tickets(count)
    let isRepeatable = intake.holdsRowsAlone
    withWorkers(threads) { _ in
      while let index = tickets.next() {
        let live = intake.takeLive(index)
        do throws(PackedFault) {
          let partition = try intake.stored.partition(index, with: live)
          state.withLock { state in
            state.facts[index] = Facts(
              accounts: partition.accountCount, erased: partition.erasedAccounts,
              repeats: partition.repeats)
            state.bytes += partition.bytes
            if isRepeatable { state.live[index] = live }
            if state.bytes <= resident || !isRepeatable {
              state.kept[index] = partition
            } else {
              state.kept = []
            }
          }
        } catch {
          state.withLock { $0.fault = error }
          return
        }
      }
    }
    let done = state.withLock { $0 }
    if let fault = done.fault { throw fault }
    facts = done.facts
    kept = done.kept.compactMap(\.self)
    live = kept.isEmpty ? done.live.compactMap(\.self) : []
    stored = intake.stored
  }

  var count: Int { facts.count }

  /// A partition, read from disk where it is not in memory: so accounts are best gone through in
  /// order. Stops the program where a file that was sound when it was opened no longer is: the disk
  /// fails.
  @inline(__always)
  subscript(_ index: Int) -> Partition { kept.isEmpty ? stored(index) : kept[index] }

  private func stored(_ index: Int) -> Partition {
    let found = recent.withLock { recent -> Partition? in
      recent.uses += 1
      recent.partitions[index]?.used = recent.uses
      return recent.partitions[index]?.partition
    }
    if let found { return found }
    let partition: Partition
    do { partition = try stored.partition(index, with: live[index]) } catch {
      fatalError("\(error.path) could be read before and cannot be read any more: run again")
    }
    recent.withLock { recent in
      guard recent.partitions[index] == nil else { return }
      recent.partitions[index] = (partition, recent.uses)
      recent.bytes += partition.bytes
      while recent.bytes > Self.mostRecent, recent.partitions.count > 1,
        let oldest = recent.partitions.min(by: { $0.value.used < $1.value.used })
      {
        recent.bytes -= oldest.value.partition.bytes
        recent.partitions[oldest.key] = nil
      }
    }
    return partition
  }
}

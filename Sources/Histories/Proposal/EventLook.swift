/// A second look at a table whose times are known: when things happened, in which order its times
/// come, and what each kind's values are.
struct EventLook: Sendable {
  struct Times: Sendable {
    /// Rows with a time here.
    var rows = 0
    /// Microseconds since 1970; `last` is the latest, or where that is far beyond the others the
    /// time that one row in a thousand passes at most.
    var first: Int64 = .max
    var last: Int64 = .min
    var latest: Int64 = .min
    var mean: Double = 0
  }

  struct Kind: Sendable {
    var name: String
    var events = 0
    var valued = 0
    var least = Double.infinity
    var most = -Double.infinity
    var isWhole = true
    /// By the first of the table's times.
    var first = Int64.max
  }

  let times: [Times]
  /// Rows with the times i and j, and those of them where i is not after j.
  let both: [[Int]]
  let inOrder: [[Int]]
  /// Rows where the mark i is there and the time j too.
  let marked: [[Int]]
  /// Of the kind column, most frequent first.
  let kinds: [Kind]

  /// `marks`: columns that are looked at for whether they are filled. O(bytes).
  init(
    _ table: TableLook, times: [TimeMapping], kind: String? = nil, value: String? = nil,
    marks: [String] = [], threads: Int
  ) throws(HistoriesError) {
    func place(_ name: String) -> Int { table.columns.firstIndex { $0.name == name }! }
    let timePlaces = times.map { place($0.column) }
    let markPlaces = marks.map(place)
    let kindPlace = kind.map(place)
    let valuePlace = value.map(place)
    let workers = (0..<threads).map { _ in Worker(times: times, marks: marks.count) }
    for source in table.sources {
      let batches = try RowBatches(source, columns: table.columns.count, threads: threads)
      _ = try batches.next(TableLook.mostChunks) { (chunk) throws(RowFailure) in
        let worker = workers[chunk.worker]
        var bad = 0
        chunk.eachGoodRow(bad: &bad) { fields, _ in
          worker.add(fields, timePlaces, markPlaces, kindPlace, valuePlace)
        }
        return 0
      }
    }
    let all = workers[0]
    for worker in workers.dropFirst() { all.add(worker) }
    self.times = times.indices.map { all.result($0) }
    both = all.both
    inOrder = all.inOrder
    marked = all.marked
    kinds = all.kinds.sorted {
      $0.events != $1.events
        ? $0.events > $1.events : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
  }

  /// One thread's counts; used by one thread at a time.
  private final class Worker: @unchecked Sendable {
    // Each is handed to one worker of `RowBatches` and read after all have ended.
    private var readers: [TimeReader]
    private var now: [Int64?]
    private var first: [Int64]
    private var latest: [Int64]
    /// Rows by day from 1900 on.
    private var days: [[Int32]]
    private static let firstDay = -25_567
    private static let dayCount = 109_573
    var both: [[Int]]
    var inOrder: [[Int]]
    var marked: [[Int]]
    private let names = TextTable()
    var kinds: [Kind] = []

    init(times: [TimeMapping], marks: Int) {
      let count = times.count
      readers = times.map { TimeReader($0, zone: .utc) }
      now = Array(repeating: nil, count: count)
      first = Array(repeating: .max, count: count)
      latest = Array(repeating: .min, count: count)
      days = Array(repeating: Array(repeating: 0, count: Self.dayCount), count: count)
      both = Array(repeating: Array(repeating: 0, count: count), count: count)
      inOrder = both
      marked = Array(repeating: Array(repeating: 0, count: count), count: marks)
    }

    func add(
      _ fields: UnsafeMutablePointer<Field>, _ timePlaces: [Int], _ markPlaces: [Int],
      _ kind: Int?, _ value: Int?
    ) {
      for (index, place) in timePlaces.enumerated() {
        now[index] = readers[index].read(fields[place])
        guard let time = now[index] else { continue }
        first[index] = min(first[index], time)
        latest[index] = max(latest[index], time)
        let day = Int(time.flooredDivision(by: Instant.microsecondsPerDay)) - Self.firstDay
        days[index][min(max(day, 0), Self.dayCount - 1)] += 1
      }
      for i in now.indices {
        guard let a = now[i] else { continue }
        for j in now.indices {
          guard let b = now[j] else { continue }
          both[i][j] += 1
          if a <= b { inOrder[i][j] += 1 }
        }
      }
      for (index, place) in markPlaces.enumerated() where fields[place].count > 0 {
        for j in now.indices where now[j] != nil { marked[index][j] += 1 }
      }
      guard let kind, fields[kind].count > 0 else { return }
      let number = names.find(fields[kind].bytes)
      if number == nil, names.count >= EventReader.mostKinds { return }
      let index = number ?? names.add(fields[kind].bytes, hash: TextTable.hash(fields[kind].bytes))
      if index == kinds.count { kinds.append(Kind(name: fields[kind].text ?? "")) }
      kinds[index].events += 1
      if let time = now.first ?? nil { kinds[index].first = min(kinds[index].first, time) }
      guard let value, fields[value].count > 0, let amount = DecimalNumber(fields[value])?.value
      else { return }
      kinds[index].valued += 1
      kinds[index].least = min(kinds[index].least, amount)
      kinds[index].most = max(kinds[index].most, amount)
      kinds[index].isWhole = kinds[index].isWhole && amount == amount.rounded()
    }

    func add(_ other: Worker) {
      for i in first.indices {
        first[i] = min(first[i], other.first[i])
        latest[i] = max(latest[i], other.latest[i])
        for day in days[i].indices { days[i][day] += other.days[i][day] }
        for j in first.indices {
          both[i][j] += other.both[i][j]
          inOrder[i][j] += other.inOrder[i][j]
        }
      }
      for i in marked.indices {
        for j in first.indices { marked[i][j] += other.marked[i][j] }
      }
      for kind in other.kinds {
        guard let index = kinds.firstIndex(where: { $0.name == kind.name }) else {
          kinds.append(kind)
          continue
        }
        kinds[index].events += kind.events
        kinds[index].first = min(kinds[index].first, kind.first)
        kinds[index].valued += kind.valued
        kinds[index].least = min(kinds[index].least, kind.least)
        kinds[index].most = max(kinds[index].most, kind.most)
        kinds[index].isWhole = kinds[index].isWhole && kind.isWhole
      }
    }

    func result(_ index: Int) -> Times {
      let counts = days[index]
      var times = Times()
      times.rows = counts.reduce(0) { $0 + Int($1) }
      guard times.rows > 0 else { return times }
      times.first = first[index]
      times.latest = latest[index]
      var left = times.rows / 1000
      var day = counts.count - 1
      while day > 0, left >= Int(counts[day]) {
        left -= Int(counts[day])
        day -= 1
      }
      let end = Int64(day + Self.firstDay + 1) * Instant.microsecondsPerDay - 1
      let isFar = times.latest - end > 60 * Instant.microsecondsPerDay
      times.last = isFar ? end : times.latest
      var sum = 0.0
      for (day, count) in counts.enumerated() { sum += Double(day) * Double(count) }
      times.mean = sum / Double(times.rows)
      return times
    }
  }
}

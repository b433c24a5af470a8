import Synchronization

/// Reads a table's chunks side by side, its header passed over, and gives what is made of them in
/// the order of the file.
///
/// Where chunks are cut, and so what is made of each, never depends on the number of threads.
final class RowBatches {
  private let source: ByteSource
  private let columns: Int
  private let threads: Int
  private let chunks: RowChunks
  private var buffers: [ChunkBuffer]
  /// Lines in the chunks already given.
  private var lines = 0

  /// `columns`: fields of a row, as in the header. Throws what opening the source does.
  init(
    _ source: ByteSource, columns: Int, threads: Int,
    chunkBytes: Int = RowChunks.defaultChunkBytes
  ) throws(HistoriesError) {
    self.source = source
    self.columns = columns
    self.threads = threads
    chunks = try RowChunks(source, chunkBytes: chunkBytes)
    buffers = (0..<threads).map { _ in ChunkBuffer() }
  }

  /// Bytes of the table on disk; 0 for a program's output.
  var bytes: Int { chunks.stream.size }

  /// What `body` makes of each of the next chunks, at most `limit`, in order; none at the end.
  /// Throws the first problem in the order of the file, with its line.
  func next<Made: Sendable>(
    _ limit: Int = .max, _ body: (inout Chunk) throws(RowFailure) -> Made
  ) throws(HistoriesError) -> [Made] {
    let lock = Mutex(0)
    let failure = FirstFailure()
    let made = Mutex<[(chunk: Int, lines: Int, made: Made?, failure: RowFailure?)]>([])
    withWorkers(min(threads, limit)) { worker in
      let buffer = buffers[worker]
      let fields = UnsafeMutablePointer<Field>.allocate(capacity: max(columns, 1))
      defer { fields.deallocate() }
      while !failure.happened {
        var more = false
        do throws(HistoriesError) {
          more = try lock.withLock { taken throws(HistoriesError) in
            guard taken < limit, try chunks.next(into: buffer) else { return false }
            taken += 1
            return true
          }
        } catch {
          failure.report(error, at: .max)
        }
        guard more else { return }
        var chunk = Chunk(
          buffer, worker: worker, columns: columns, fields: fields, countsRows: source.countsRows)
        defer { chunk.deallocate() }
        do throws(RowFailure) {
          let result = try body(&chunk)
          made.withLock { $0.append((chunk.number, chunk.lines, result, nil)) }
        } catch {
          made.withLock { $0.append((chunk.number, chunk.lines, nil, error)) }
          failure.report(.dataContract(""), at: chunk.number)
        }
      }
    }
    let sorted = made.withLock { $0 }.sorted { $0.chunk < $1.chunk }
    var results: [Made] = []
    for part in sorted {
      if let failure = part.failure {
        throw .dataContract(
          "\(source.place(lines + 1 + failure.lineInChunk)): \(failure.text)")
      }
      lines += part.lines
      if let made = part.made { results.append(made) }
    }
    try failure.check()
    return results
  }

  /// The rows of one chunk.
  struct Chunk {
    let worker: Int
    /// Its place in the file, from 0.
    let number: Int
    /// Of the row last read.
    let fields: UnsafeMutablePointer<Field>
    private let columns: Int
    private let buffer: ChunkBuffer
    private var reader: RowReader
    /// Whether places are rows, as in Parquet, and not lines.
    private let countsRows: Bool
    private var rows = 0

    init(
      _ buffer: ChunkBuffer, worker: Int, columns: Int, fields: UnsafeMutablePointer<Field>,
      countsRows: Bool
    ) {
      self.countsRows = countsRows
      self.worker = worker
      self.columns = columns
      self.fields = fields
      self.buffer = buffer
      number = buffer.chunk
      reader = RowReader(buffer, columns: columns, fields: fields)
      if buffer.chunk == 0 { _ = reader.next() }
    }

    func deallocate() { reader.deallocate() }

    /// The line ends in the chunk, and so no fewer than its rows. O(bytes).
    var mostRows: Int {
      let bytes = UnsafeBufferPointer(start: buffer.base, count: buffer.rowBytes)
      return 1 + bytes.reduce(0) { $0 &+ ($1 == 0x0a ? 1 : 0) }
    }

    /// Line ends met so far, and the line (from 0 in the chunk) of the row last read; of a program's
    /// output rows instead, the header apart.
    var lines: Int { countsRows ? rows : reader.lines }
    var line: Int { countsRows ? rows - 1 : reader.rowLine }

    /// Reads the next row into `fields`; false at the end. Throws for a row that has not one field
    /// a column.
    @inline(__always)
    mutating func next() throws(RowFailure) -> Bool {
      guard let count = reader.next() else { return false }
      rows &+= 1
      if count != columns || reader.malformed { throw malformed(count) }
      return true
    }

    private func malformed(_ count: Int) -> RowFailure {
      let problem: RowProblem =
        count != columns ? .fields(found: count, expected: columns) : .quote
      return RowFailure(
        lineInChunk: line,
        text: "\(problem.text): put fields that hold commas, quotes or line ends in quotes")
    }
  }
}

/// What keeps a row from being read.
struct RowFailure: Error {
  var lineInChunk: Int
  var text: String
}

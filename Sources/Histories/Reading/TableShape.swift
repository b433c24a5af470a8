/// The columns of one file and what they hold, to see what changes from one file of a table to the
/// next.
struct TableShape {
  enum Contents: String {
    case nothing, numbers, times, texts
  }

  let names: [String]
  /// As far as the first rows tell.
  var contents: [Contents] = []

  init(_ header: Header) { names = header.names }

  func place(of name: String) -> Int? { names.firstIndex { $0.utf8.elementsEqual(name.utf8) } }

  /// Columns that this file lost since `before`, each with the one that may be it now.
  func lost(since before: TableShape) -> [(name: String, now: String?)] {
    let fresh = names.filter { before.place(of: $0) == nil }
    return before.names.enumerated().filter { place(of: $0.element) == nil }.map { old, name in
      (name, Self.successor(of: name, at: old, among: fresh, names))
    }
  }

  /// A new column with a like name, else the new one in the same place.
  private static func successor(
    of name: String, at place: Int, among fresh: [String], _ names: [String]
  ) -> String? {
    if let near = nearestName(to: name, among: fresh) { return near }
    if let part = fresh.first(where: { $0.contains(name) || name.contains($0) }) { return part }
    guard place < names.count, fresh.contains(names[place]) else { return nil }
    return names[place]
  }

  /// What a column held before and holds now, where both can be told and differ.
  func retyped(_ name: String, since before: TableShape) -> (was: Contents, now: Contents)? {
    guard let here = place(of: name), let there = before.place(of: name),
      here < contents.count, there < before.contents.count
    else { return nil }
    let (was, now) = (before.contents[there], contents[here])
    return was == now || was == .nothing || now == .nothing ? nil : (was, now)
  }
}

/// What the cells of some columns are, so far.
struct ContentsTally {
  private var counts: [(numbers: Int, times: Int, texts: Int)]

  init(columns: Int) { counts = Array(repeating: (0, 0, 0), count: columns) }

  /// A column is of numbers, or of times, where 19 in 20 cells that are not empty are: a few spoilt rows
  /// make no other column of it.
  var result: [TableShape.Contents] {
    counts.map { numbers, times, texts in
      let most = (numbers + times + texts) * 19
      return most == 0
        ? .nothing : numbers * 20 >= most ? .numbers : times * 20 >= most ? .times : .texts
    }
  }

  /// Takes in one row's fields.
  mutating func add(_ fields: UnsafeMutablePointer<Field>) {
    for column in counts.indices {
      let field = fields[column]
      if field.count == 0 { continue }
      if DecimalNumber(field) != nil {
        counts[column].numbers += 1
      } else if field.count >= 10, Instant(iso8601: Array(field.bytes)[...], zone: .utc) != nil {
        counts[column].times += 1
      } else {
        counts[column].texts += 1
      }
    }
  }
}

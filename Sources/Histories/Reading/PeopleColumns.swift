/// Columns of a file about people, row by row: texts for outreach, and consent. What the accounts
/// file and the contacts file have in common.
///
/// A row that cannot be used loses its texts, never its consent: flags hold as they are written, and
/// hold when they cannot be read.
struct PeopleColumns: Sendable {
  /// By the key that maps it.
  enum Text: String, CaseIterable {
    case segment, name, email, phone, owner, role
    case preferredChannel = "preferred_channel"
    case timeZone = "time_zone"
    case callTimes = "call_times"
  }

  enum Flag: String, CaseIterable {
    case doNotContact = "do_not_contact"
    case doNotProfile = "do_not_profile"
  }

  /// What a row says, in the order of `Text` and `Flag`.
  struct Row {
    fileprivate var texts: [String?]
    fileprivate var flags: [Bool]
  }

  /// By `Text` and `Flag`; nil where the project file does not map it, which takes no memory.
  private let textPlaces: [Int?]
  private let flagPlaces: [Int?]
  private var texts: [PackedTexts?]
  private var flags: [[Bool]]
  /// Zones and call times that were found to be some.
  private var checked: Set<[UInt8]> = []

  /// Throws `dataContract` for a column that the file lacks.
  init(
    _ header: Header, texts: (Text) -> String?, flags: (Flag) -> String?
  ) throws(HistoriesError) {
    var places: [Int?] = []
    for text in Text.allCases {
      places.append(
        try texts(text).map { (name) throws(HistoriesError) in
          try header.column(name, for: text.rawValue)
        })
    }
    textPlaces = places
    self.texts = places.map { $0 == nil ? nil : PackedTexts() }
    places = []
    for flag in Flag.allCases {
      places.append(
        try flags(flag).map { (name) throws(HistoriesError) in
          try header.column(name, for: flag.rawValue)
        })
    }
    flagPlaces = places
    self.flags = places.map { _ in [] }
  }

  /// Reads a row and keeps nothing of it. Throws what is wrong with it.
  mutating func read(_ fields: UnsafeBufferPointer<Field>) throws(RowProblem) -> Row {
    var row = Row(texts: [], flags: [])
    for (text, place) in zip(Text.allCases, textPlaces) {
      guard let place, fields[place].count > 0 else {
        row.texts.append(nil)
        continue
      }
      let key = "`\(text.rawValue)`"
      guard let value = fields[place].text else { throw .notText(key: key) }
      switch text {
      case .timeZone: try check(value, .notZone(key: key)) { LocalTime.isKnown($0) }
      case .callTimes: try check(value, .notCallTimes(key: key)) { Appointment.list($0) != nil }
      default: break
      }
      row.texts.append(value)
    }
    for (flag, place) in zip(Flag.allCases, flagPlaces) {
      guard let value = Self.boolean(fields, place) else {
        throw .notBoolean(key: "`\(flag.rawValue)`")
      }
      row.flags.append(value)
    }
    return row
  }

  mutating func append(_ row: Row) {
    for (index, text) in row.texts.enumerated() { texts[index]?.append(text) }
    for index in flags.indices where flagPlaces[index] != nil {
      flags[index].append(row.flags[index])
    }
  }

  /// Keeps the consent of a row that cannot be used; `refusing`: whatever it says, because nobody can
  /// tell of whom.
  mutating func appendConsent(_ fields: UnsafeBufferPointer<Field>, refusing: Bool = false) {
    for index in texts.indices { texts[index]?.append(nil) }
    for index in flags.indices where flagPlaces[index] != nil {
      flags[index].append(refusing || Self.boolean(fields, flagPlaces[index]) ?? true)
    }
  }

  func text(_ text: Text, _ row: Int) -> String? {
    Text.allCases.firstIndex(of: text).flatMap { texts[$0]?[row] }
  }

  /// False where the file has no such column.
  func flag(_ flag: Flag, _ row: Int) -> Bool {
    Flag.allCases.firstIndex(of: flag).map { flagPlaces[$0] != nil && flags[$0][row] } ?? false
  }

  /// Most rows repeat a text of others, so each is looked into once.
  private mutating func check(
    _ text: String, _ problem: RowProblem, _ fits: (String) -> Bool
  ) throws(RowProblem) {
    let bytes = Array(text.utf8)
    if checked.contains(bytes) { return }
    guard fits(text) else { throw problem }
    checked.insert(bytes)
  }

  /// An empty cell is false; nil when it is no boolean.
  private static func boolean(_ fields: UnsafeBufferPointer<Field>, _ column: Int?) -> Bool? {
    guard let column, fields[column].count > 0 else { return false }
    guard fields[column].count <= 5 else { return nil }
    let lowered = fields[column].bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    switch String(decoding: lowered, as: UTF8.self) {
    case "true", "1", "yes": return true
    case "false", "0", "no": return false
    default: return nil
    }
  }
}

/// A column of texts, one after another in one array: their bytes and 8 more each. An empty text is
/// none.
struct PackedTexts: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  mutating func append(_ text: String?) {
    if let text { bytes.append(contentsOf: text.utf8) }
    ends.append(bytes.count)
  }

  subscript(_ row: Int) -> String? {
    let from = row == 0 ? 0 : ends[row - 1]
    return from == ends[row] ? nil : String(decoding: bytes[from..<ends[row]], as: UTF8.self)
  }
}

/// The rows of one stripe of accounts, one buffer a file.
struct StripeText: ~Copyable {
  var accounts: RowBuffer
  var events: RowBuffer
  var project = RowBuffer(capacity: 0)
  var truth: RowBuffer

  init(capacity: Int) {
    accounts = RowBuffer(capacity: capacity / 16)
    events = RowBuffer(capacity: capacity)
    truth = RowBuffer(capacity: capacity / 32)
  }

  /// Appends each buffer to its file.
  func append(to output: OutputSet) throws(SynthesisError) {
    try accounts.withBytes { (bytes) throws(SynthesisError) in try output.append(bytes, to: 0) }
    try events.withBytes { (bytes) throws(SynthesisError) in try output.append(bytes, to: 1) }
    try project.withBytes { (bytes) throws(SynthesisError) in try output.append(bytes, to: 2) }
    try truth.withBytes { (bytes) throws(SynthesisError) in try output.append(bytes, to: 3) }
  }

  /// Lives the accounts and writes their rows in place of what was here.
  mutating func fill(
    _ range: Range<Int>, life: inout AccountLife, calendar: Calendar, width: Int
  ) -> SyntheticBase.Summary {
    accounts.removeAll()
    events.removeAll()
    truth.removeAll()
    var summary = SyntheticBase.Summary()
    var id = RowBuffer(capacity: width)
    for account in range {
      id.removeAll()
      id.integer(account + 1, width: width)
      let traits = life.live(account: account)
      accountRow(id, traits)
      life.forEachInTime { eventRow(id, $0, calendar) }
      truth.raw(id)
      truth.comma()
      truth.text(calendar.asOfText)
      truth.comma()
      truth.decimal(Int((life.detractorProbability * 1e6).rounded()), places: 6)
      truth.comma()
      truth.flag(life.isDetractor)
      truth.comma()
      truth.flag(life.responded)
      truth.newline()
      summary.accounts += 1
      summary.events += life.events.count
      summary.spoke += life.responded ? 1 : 0
      summary.detractors += life.isDetractor ? 1 : 0
      summary.detractorsWhoSpoke += life.isDetractor && life.responded ? 1 : 0
    }
    return summary
  }

  private mutating func accountRow(_ id: borrowing RowBuffer, _ traits: Traits) {
    accounts.raw(id)
    accounts.text(",Example " as StaticString)
    accounts.text(Names.first[traits.nameWords.0])
    accounts.byte(UInt8(ascii: " "))
    accounts.text(Names.second[traits.nameWords.1])
    accounts.byte(UInt8(ascii: " "))
    accounts.raw(id)
    accounts.comma()
    accounts.text(Traits.plans[traits.plan])
    accounts.comma()
    accounts.text(Traits.regions[traits.region])
    accounts.comma()
    accounts.text(Traits.segments[traits.segment])
    accounts.comma()
    accounts.integer(traits.seats)
    accounts.comma()
    accounts.decimal(traits.annualCents, places: 2)
    accounts.comma()
    accounts.boolean(traits.doNotContact)
    accounts.comma()
    accounts.boolean(traits.doNotProfile)
    accounts.newline()
  }

  private mutating func eventRow(
    _ id: borrowing RowBuffer, _ event: LifeEvent, _ calendar: Calendar
  ) {
    events.raw(id)
    events.comma()
    events.instant(event.at, in: calendar)
    events.comma()
    events.text(event.kind.name)
    events.comma()
    if let places = event.kind.places { events.decimal(event.value, places: places) }
    events.comma()
    events.text(event.channelName)
    events.newline()
  }
}

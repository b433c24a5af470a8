extension HistoryBase {
  /// What a customer said, as it was delivered.
  package struct Words: Codable, Sendable, Equatable {
    package var at: Instant
    package var kind: String
    package var channel: String?
    package var value: Double?
    package var text: String

    package init(at: Instant, kind: String, channel: String?, value: Double?, text: String) {
      self.at = at
      self.kind = kind
      self.channel = channel
      self.value = value
      self.text = text
    }
  }

  /// What an account said in words that happened and were known before `asOf`, the latest `limit`, the
  /// oldest of them first; nothing where the base was read without texts. Bytes that are no UTF-8 are
  /// mended, NUL left out. For those who work the account's case alone: no feature, no log. O(events).
  package func words(_ account: Int, knownBefore asOf: Instant, limit: Int = .max) -> [Words] {
    let (index, place) = locate(account)
    let partition = partitions[index]
    if partition.texts.ends.isEmpty { return [] }
    let said = partition.range(place).filter {
      partition.events[$0].seen < asOf.microseconds && !partition.texts[$0].isEmpty
    }
    let words = said.map { place in
      let event = partition.events[place]
      return Words(
        at: Instant(microseconds: event.at), kind: kinds[Int(event.kind)].name,
        channel: event.channel == 0 ? nil : channels[Int(event.channel) - 1],
        value: event.value.isNaN ? nil : event.value,
        text: String(decoding: partition.texts[place].filter { $0 != 0 }, as: UTF8.self))
    }
    // Events that differ in their words alone come in no order.
    return words.sorted {
      $0.at != $1.at ? $0.at < $1.at : $0.text.utf8.lexicographicallyPrecedes($1.text.utf8)
    }.suffix(limit)
  }
}

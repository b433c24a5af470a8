extension Design {
  private enum CodingKeys: String, CodingKey {
    case sources, cleaning, columns, pairs, dropped
  }

  /// `cleaning` and `pairs` stand in a file only where there are any: a plain design reads and writes
  /// as it did before there were shapes.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let sources = try values.decode([DesignSource].self, forKey: .sources)
    self.init(
      sources: sources,
      cleaning: try values.decodeIfPresent([SourceCleaning].self, forKey: .cleaning)
        ?? [SourceCleaning](repeating: .none, count: sources.count),
      columns: try values.decode([DesignColumn].self, forKey: .columns),
      pairs: try values.decodeIfPresent([DesignPair].self, forKey: .pairs) ?? [],
      dropped: try values.decode([Dropped].self, forKey: .dropped))
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(sources, forKey: .sources)
    if cleaning.contains(where: { $0 != .none }) { try values.encode(cleaning, forKey: .cleaning) }
    try values.encode(columns, forKey: .columns)
    if !pairs.isEmpty { try values.encode(pairs, forKey: .pairs) }
    try values.encode(dropped, forKey: .dropped)
  }
}

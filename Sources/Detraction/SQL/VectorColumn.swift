/// A named column of the vectors that a model was fitted on: its name, and its levels in the order
/// of their codes where it holds texts.
package struct VectorColumn: Codable, Sendable, Equatable {
  package var name: String
  package var levels: [String]?

  package init(name: String, levels: [String]?) {
    self.name = name
    self.levels = levels
  }
}

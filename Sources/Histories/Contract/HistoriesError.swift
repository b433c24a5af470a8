/// What can go wrong from project file to feature vectors. Messages carry the place, what was
/// expected and what to do, and never a row's contents (DESIGN 9).
package enum HistoriesError: Error, CustomStringConvertible, Equatable {
  /// The project file cannot be used: every problem found, each with its line.
  case projectFile(path: String, problems: [String])
  /// A file or folder that should be read is not there or may not be read.
  case inputMissing(String)
  /// What was read breaks the data contract.
  case dataContract(String)
  /// Input that reading accepted carries too little for what was asked.
  case insufficient(String)
  /// A program that is needed is not there or does not start.
  case service(String)
  /// An output could not be written; nothing is left half-written.
  case output(String)

  package var description: String {
    switch self {
    case .projectFile(let path, let problems):
      ([problems.count == 1 ? "\(path) has a problem:" : "\(path) has \(problems.count) problems:"]
        + problems.map { "  " + $0 }).joined(separator: "\n")
    case .inputMissing(let text), .dataContract(let text), .insufficient(let text),
      .service(let text), .output(let text):
      text
    }
  }

  /// The exit status of DESIGN 7.
  package var exitStatus: Int32 {
    switch self {
    case .projectFile: 78
    case .inputMissing: 66
    case .dataContract: 65
    case .insufficient: 3
    case .service: 69
    case .output: 73
    }
  }
}

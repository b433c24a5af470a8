package import Histories
package import Learning

/// What can go wrong from histories to scores. Messages carry both sides of what did not fit and
/// never an account's data.
package enum DetractionError: Error, CustomStringConvertible {
  /// The data cannot carry what was asked, or a gate refused; nothing is published.
  case insufficient(String)
  case modelFile(String)
  case inputMissing(String)
  case project(String)
  case output(String)
  /// Another command holds what this one wants to change; trying again helps.
  case locked(String)
  case bug(String)
  case histories(HistoriesError)
  case learning(LearningError)

  package var description: String {
    switch self {
    case .insufficient(let text), .modelFile(let text), .inputMissing(let text),
      .project(let text), .output(let text), .locked(let text):
      text
    case .bug(let text): "\(text) (this is a fault of the program, please report it)"
    case .histories(let error): error.description
    case .learning(let error): error.description
    }
  }

  /// The exit status of DESIGN 7.
  package var exitStatus: Int32 {
    switch self {
    case .insufficient: 3
    case .modelFile: 65
    case .inputMissing: 66
    case .project: 78
    case .output: 73
    case .locked: 75
    case .bug: 70
    case .histories(let error): error.exitStatus
    case .learning(let error): error.exitStatus
    }
  }
}

/// Runs `body` with the errors of the rooms below turned into this module's.
func translating<Result>(_ body: () throws -> Result) throws(DetractionError) -> Result {
  do {
    return try body()
  } catch let error as DetractionError {
    throw error
  } catch let error as HistoriesError {
    throw .histories(error)
  } catch let error as LearningError {
    throw .learning(error)
  } catch {
    throw .bug("\(error)")
  }
}

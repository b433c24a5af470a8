/// What can keep a synthetic base from being made.
package enum SynthesisError: Error, Equatable, CustomStringConvertible {
  /// The as-of date is not a day that exists, written yyyy-MM-dd, from 2005 to 2099.
  case badDate(String)
  /// A parameter outside its range.
  case badParameter(name: String, got: String, expected: String)
  /// Fewer events asked for than the accounts' sign-ups, surveys and feedback alone make.
  case tooFewEvents(asked: Int, least: Int)
  /// The folder holds one of the files already; nothing was changed.
  case wouldOverwrite(path: String)
  /// The system refused to create, write, sync or rename.
  case output(path: String, action: String, reason: String)

  package var description: String {
    switch self {
    case .badDate(let text):
      return "as-of date: got \"\(text)\", expected a day from 2005-01-01 to 2099-12-31,"
        + " such as 2026-03-02"
    case .badParameter(let name, let got, let expected):
      return "\(name): got \(got), expected \(expected)"
    case .tooFewEvents(let asked, let least):
      return "events: got \(asked), but sign-ups, surveys and feedback of so many accounts"
        + " alone are about \(least); ask for more events or fewer accounts"
    case .wouldOverwrite(let path):
      return "\(path) is there already and was left as it is;"
        + " choose another folder or remove the old base first"
    case .output(let path, let action, let reason):
      return "\(path): could not \(action): \(reason); no file of the base was left behind"
    }
  }

  /// The exit status a command ends with: 64 for a value that cannot be, 73 for a file in the way or
  /// not to be created, 74 for one that could not be written.
  package var exitStatus: Int32 {
    switch self {
    case .badDate, .badParameter, .tooFewEvents: 64
    case .wouldOverwrite: 73
    case .output(_, let action, _): action == "write" || action == "sync" ? 74 : 73
    }
  }
}

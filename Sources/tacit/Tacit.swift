import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning
import Outreach
import Synthesis

/// The command line: parses, calls, prints. Every error's text is made where it is thrown; here it
/// becomes one message on stderr and an exit status (DESIGN 7).
@main
struct Tacit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tacit",
    abstract: "Finds the customers who are unhappy and have not said so.",
    discussion: """
      Tacit learns what the account histories of known detractors looked like before they spoke, \
      scores every silent account, and opens outreach cases for those most like them, with reasons.

      Start with `tacit demo`. On your own data:
        tacit init events.csv accounts.csv  propose a tacit.toml, with reasons; read it through
        tacit check                        what is wrong with the data, all at once
        tacit train --as-of 2026-03-02     learn from those who spoke, as of a date
        tacit nightly --as-of 2026-03-02   score the silent, open the day's cases
        tacit queue list                   who to call, why, and by when

      Exit status: 0 done; 3 the data cannot carry it or a gate refused; 64 usage; 65 data; \
      66 input missing; 69 a service is down; 70 a fault of ours; 73, 74 output; 75 busy, try \
      again; 78 project file.
      """,
    version: tacitVersion,
    subcommands: [
      DemoCommand.self, InitCommand.self, CheckCommand.self, PackCommand.self,
      FeaturesCommand.self, TrainCommand.self,
      ModelsCommand.self,
      BacktestCommand.self, ScoreCommand.self, NightlyCommand.self, ReportCommand.self,
      QueueCommand.self, PlaybooksCommand.self, CorrectionsCommand.self, PromisesCommand.self,
      DeliverCommand.self, EraseCommand.self, FitCommand.self, PredictCommand.self,
      EvaluateCommand.self,
      ExportCommand.self, SQLCommand.self, SynthCommand.self,
    ])

  static func main() {
    signal(SIGPIPE, SIG_DFL)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as HistoriesError {
      fail(error.description, status: error.exitStatus)
    } catch let error as LearningError {
      fail(error.description, status: error.exitStatus)
    } catch let error as FitError {
      fail(error.description, status: error.exitStatus)
    } catch let error as DetractionError {
      fail(error.description, status: error.exitStatus)
    } catch let error as OutreachError {
      fail(error.description, status: error.exitStatus)
    } catch let error as SynthesisError {
      fail(error.description, status: error.exitStatus)
    } catch {
      exit(withError: error)
    }
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    printToStandardError("tacit: \(message)")
    Foundation.exit(status)
  }
}

/// Writes one line to stderr.
func printToStandardError(_ line: String) {
  FileHandle.standardError.write(Data((line + "\n").utf8))
}

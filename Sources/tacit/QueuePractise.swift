import ArgumentParser
import Foundation
import Histories
import Outreach

extension QueueCommand {
  struct Practise: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Deals a case to practise on: says what is right, and why not; changes nothing.",
      discussion: """
        A closed case with its names replaced, or a made-up one. Type what you would do next, `help` \
        for what there is, `quit` to leave.

        Try:
          tacit queue practise
          tacit queue practise --seed 7
        """)

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: "Which case: the same seed deals the same one (default: another each time).")
    var seed: UInt64?
    @Option(help: ArgumentHelp("When (default: now).", valueName: "instant"))
    var now: String?

    func run() throws {
      let file = try ProjectFile(path: project)
      let (settings, zone) = try outreach(of: file)
      let now = try time(now, "--now", zone)
      let seed = seed ?? UInt64(bitPattern: now.microseconds) % 100_000
      var exercise = Exercise.deal(
        seed: seed, closed: try closedCases(settings.store), at: now, settings.practice, zone: zone)
      say("A case to practise on (--seed \(seed)). Nothing you do here is kept.\n")
      say(CaseListing(zone: zone).detail(exercise.open))
      say("\n\(Exercise.help)\n\n")
      var isOver = false
      while !isOver {
        say("What do you do next? ")
        guard let line = readLine() else {
          say("\nThat is all for now. Nothing is changed.\n")
          return
        }
        let reply = exercise.answer(line)
        if !reply.text.isEmpty { say("\(reply.text)\n\n") }
        isOver = reply.isOver
      }
    }

    /// Closed cases with their logs; none where there is no store yet.
    private func closedCases(_ place: StorePlace) throws -> [(found: Case, log: [Action])] {
      guard place.mayExist else { return [] }
      let store = try CaseStore(existing: place)
      let cases = try store.cases().filter { !$0.isOpen }
      guard !cases.isEmpty else { return [] }
      let logs = Dictionary(grouping: try store.actions(), by: \.caseNumber)
      return cases.map { ($0, logs[$0.number] ?? []) }
    }

    private func say(_ text: String) {
      FileHandle.standardOutput.write(Data(text.utf8))
    }
  }
}

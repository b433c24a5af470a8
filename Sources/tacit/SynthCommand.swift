import ArgumentParser
import Foundation
import Synthesis

/// `tacit synth`: writes a synthetic customer base whose silent truth is known.
struct SynthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synth",
    abstract: "Write a synthetic customer base whose silent truth is known.",
    discussion: """
      Writes accounts.csv, events.csv, tacit.toml and truth.csv into a new folder: about two \
      years of sign-ups, logins, orders, late deliveries, failed payments, tickets, surveys and \
      feedback of made-up customers. Each has a satisfaction that drifts and that incidents \
      shock; what it does follows from that, and so, in part, does whether it speaks.

      truth.csv holds, for every account, the true probability that feedback given now would be \
      negative, the state drawn from it, and whether the account spoke in the last 180 days. No \
      other command reads it: it is there to see how well the silent were ranked.

      The same values give the same bytes, on any number of threads. About 50 events an account \
      is an ordinary base; more events are more logins and orders.

      Try:
        tacit synth --accounts 20000 --events 1000000 --seed 1 --out base
        tacit train --project base/tacit.toml --as-of 2026-03-02
      """)

  @Option(help: "How many accounts.")
  var accounts: Int

  @Option(help: "How many events, within a few per cent.")
  var events: Int

  @Option(help: "Names the base: another seed, another base.")
  var seed: UInt64

  @Option(help: "The day the history ends before, yyyy-MM-dd (midnight in Europe/Berlin).")
  var asOf = SyntheticBase.defaultAsOf

  @Option(
    help: """
      Log-odds by which displeasure itself raises the chance of answering a survey, -3 to 3. \
      With 0, answering depends on features and temperament alone.
      """)
  var responseBias = SyntheticBase.defaultResponseBias

  @Option(help: "The folder to write into; made if absent.")
  var out: String

  @Option(help: "How many threads; never changes a byte. (default: all cores)")
  var threads: Int?

  @Flag(help: "Report on stdout as one JSON object.")
  var json = false

  @Flag(help: "Say nothing on success.")
  var quiet = false

  func validate() throws { try checkThreads(threads) }

  func run() throws {
    let base = try SyntheticBase(
      accounts: accounts, events: events, seed: seed, asOf: asOf, responseBias: responseBias)
    let summary = try base.write(
      to: out, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    if json {
      print(
        """
        {"accounts":\(summary.accounts),"events":\(summary.events),"bytes":\(summary.bytes),\
        "spoke":\(summary.spoke),"detractors":\(summary.detractors),\
        "detractors_who_spoke":\(summary.detractorsWhoSpoke)}
        """)
    } else if !quiet {
      let silent = summary.accounts - summary.spoke
      let hidden = summary.detractors - summary.detractorsWhoSpoke
      FileHandle.standardError.write(
        Data(
          """
          \(summary.accounts) accounts and \(summary.events) events as of \(asOf) in \(out)
          \(summary.spoke) spoke in the last 180 days, \(silent) were silent; \
          \(hidden) of the silent are unhappy (truth.csv)

          """.utf8))
    }
  }
}

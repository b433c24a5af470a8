/// A night's decisions as a table: `account_id,decision,queue,rank,probability`.
package enum DecisionList {
  package static func csv(_ night: Night) -> String {
    var text = "account_id,decision,queue,rank,probability\n"
    for decision in night.plan.decisions {
      text +=
        quoted(decision.id) + "," + decision.disposition.rawValue + ","
        + quoted(decision.queue?.name ?? "") + ",\(decision.rank),\(decision.probability)\n"
    }
    for voiced in night.cases where voiced.form == .voiced {
      text += quoted(voiced.account) + ",voiced," + quoted(voiced.queue) + ",,\n"
    }
    return text
  }

  /// RFC 4180, by bytes.
  private static func quoted(_ text: String) -> String {
    let special: Set<UInt8> = [0x22, 0x2C, 0x0A, 0x0D]
    guard text.utf8.contains(where: special.contains) else { return text }
    var bytes: [UInt8] = [0x22]
    for byte in text.utf8 {
      if byte == 0x22 { bytes.append(0x22) }
      bytes.append(byte)
    }
    return String(decoding: bytes + [0x22], as: UTF8.self)
  }
}

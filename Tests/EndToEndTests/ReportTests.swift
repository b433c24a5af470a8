import Foundation
import TestSupport
import Testing

/// The report of a version, by the program.
@Suite struct ReportTests {
  private static let gnuplot = FileManager.default.isExecutableFile(atPath: "/usr/bin/gnuplot")

  @Test func oneFileThatNeedsNoOther() throws {
    guard Self.gnuplot else { return print("SKIPPED: no gnuplot, no report is tested") }
    let folder = try sampleCopy()
    // Texts that would be markup, if they were let through.
    let accounts = folder.appendingPathComponent("accounts.csv")
    let text = try String(contentsOf: accounts, encoding: .utf8)
      .replacing(",strategic,", with: #",<script>alert(1)</script>&"\#u{200D},"#)
    try text.write(to: accounts, atomically: true, encoding: .utf8)
    let train = try Program.run("train", "--as-of", "2026-03-02", "--json", in: folder)
    #expect(train.status == 0, "\(train.errors)")
    let report = try Program.run("report", "--json", in: folder)
    #expect(report.status == 0, "\(report.errors)")
    let written = try #require(
      try JSONSerialization.jsonObject(with: Data(report.output.utf8)) as? [String: Any])
    let path = try #require(written["report"] as? String)
    let html = try String(contentsOfFile: path, encoding: .utf8)
    #expect(!html.contains("<script") && html.contains("&lt;script&gt;"))
    #expect(html.contains("not measured") && html.contains("What cannot be known"))
    for section in ["summary", "causes", "discrimination", "calibration", "limits"] {
      #expect(html.contains("id=\"\(section)\""))
    }
    // No account by its id: those of the sample are five digits.
    let ids = Set(
      try String(contentsOf: folder.appendingPathComponent("accounts.csv"), encoding: .utf8)
        .split(separator: "\n").dropFirst().compactMap { $0.split(separator: ",").first })
    #expect(ids.count > 1000)
    let tables = html.split(separator: "<svg").map { $0.split(separator: "</svg>").last ?? "" }
    for part in tables {
      for cell in part.split(whereSeparator: { !$0.isNumber }) { #expect(!ids.contains(cell)) }
    }
    let figures = try #require(written["figures"] as? [String])
    #expect(figures.count >= 6)
    for figure in figures {
      let lines = try String(contentsOfFile: figure, encoding: .utf8).split(separator: "\n")
      #expect(lines.count > 2, "\(figure)")
    }
    let card = try #require(written["card"] as? String)
    #expect(try String(contentsOfFile: card, encoding: .utf8).hasPrefix("# sample 2026-03-02-"))

    // The same again is the same bytes.
    let again = try Program.run("report", "--out", "again", in: folder)
    #expect(again.status == 0)
    #expect(
      try String(contentsOf: folder.appendingPathComponent("again/report.html"), encoding: .utf8)
        == html)

    let check = """
      import html5lib, json, re, sys
      text = open(json.load(open(sys.argv[1]))[0], encoding="utf-8").read()
      parser = html5lib.HTMLParser(strict=True)
      tree = parser.parse(text)
      ids = [e.get("id") for e in tree.iter() if e.get("id")]
      assert len(ids) == len(set(ids)), "an id twice"
      for e in tree.iter():
          for name, value in e.attrib.items():
              name = str(name).split("}")[-1]
              if name in ("src", "href", "data", "action", "poster", "srcset"):
                  assert value.startswith("#") and value[1:] in ids, (name, value)
          assert str(e.tag).split("}")[-1] not in ("script", "iframe", "object", "embed", "link")
      assert not re.search(r"url\\((?!#)", text), "a url that leads elsewhere"
      print("valid")
      """
    if let result = try Python.run(check, on: [path]) {
      #expect(String(decoding: result, as: UTF8.self).contains("valid"))
    }
  }
}

import Foundation
import TestSupport
import Testing

/// docs/tacit.schema.json against the program that reads project files.
@Suite struct ProjectSchemaTests {
  private static let schema = Shared.root.appendingPathComponent("docs/tacit.schema.json")

  /// A table that the schema closes: the keys it knows, and a project file that puts one there which
  /// nobody knows.
  private struct Place {
    var path: String
    var keys: Set<String>
    var unknown: String
  }

  /// Every closed table of the schema, and the smallest document with an unknown key in each. Alternatives
  /// of one place are one table with the keys of all.
  private func walk(
    _ schema: [String: Any], _ path: [String], _ places: inout [Place]
  ) -> [String] {
    let options = (["anyOf", "oneOf"].flatMap { schema[$0] as? [[String: Any]] ?? [] }) + [schema]
    var lines: [String] = []
    let closed = options.filter {
      $0["additionalProperties"] as? Bool == false && $0["properties"] != nil
    }
    var keys: Set<String> = []
    for option in closed {
      keys.formUnion((option["properties"] as? [String: Any] ?? [:]).keys)
    }
    if !closed.isEmpty {
      let unknown = "qqqqqqqqqqqqqqqqqqqqqqqq\(places.count)"
      places.append(Place(path: path.joined(separator: "."), keys: keys, unknown: unknown))
      lines.append("\(unknown) = 1")
      // What makes it negative is read of a signal that has a kind.
      if path.last == "signal" { lines.append("kind = \"nps\"") }
    }
    var done: Set<String> = []
    for option in closed {
      for (key, value) in (option["properties"] as? [String: [String: Any]] ?? [:]).sorted(by: {
        $0.key < $1.key
      }) where done.insert(key).inserted {
        lines += nested(value, path, key, &places)
      }
    }
    for option in options {
      if let any = option["additionalProperties"] as? [String: Any] {
        lines += nested(any, path, Self.name(under: path), &places)
      }
    }
    return lines
  }

  /// A name where the schema leaves the choice to the user: one that the program takes.
  private static func name(under path: [String]) -> String {
    path.last == "where" ? "value" : "crm"
  }

  /// `key = { … }` or `key = [{ … }]`, where there is a closed table below it.
  private func nested(
    _ schema: [String: Any], _ path: [String], _ key: String, _ places: inout [Place]
  ) -> [String] {
    let options = (["anyOf", "oneOf"].flatMap { schema[$0] as? [[String: Any]] ?? [] }) + [schema]
    for option in options {
      if let items = option["items"] as? [String: Any] {
        let inner = walk(items, path + [key], &places)
        if !inner.isEmpty { return ["\(key) = [{ \(inner.joined(separator: ", ")) }]"] }
      }
    }
    let inner = walk(schema, path + [key], &places)
    return inner.isEmpty ? [] : ["\(key) = { \(inner.joined(separator: ", ")) }"]
  }

  /// An unknown key in every table that the schema closes: the program names the keys it knows there,
  /// and they are the schema's.
  @Test func everyTableHasTheKeysThatTheProgramTakes() throws {
    let schema: [String: Any] = try HostileSample.object(
      try String(contentsOf: Self.schema, encoding: .utf8))
    var places: [Place] = []
    let lines = walk(schema, [], &places)
    #expect(places.count > 25)
    // The root refuses a whole file at once; maps are read when they are asked for.
    let root = try #require(places.first { $0.path.isEmpty })
    let events = "[[events]]\npath = \"e.csv\"\naccount = \"a\"\nat = \"b\"\nkind = \"c\"\n"
    let isMap = { (line: String) in line.hasPrefix("export") || line.hasPrefix("import") }
    let below = lines.dropFirst().map { $0 + "\n" }
    let folder = try temporaryFolder()
    var said = ""
    for (text, commands) in [
      ("\(root.unknown) = 1\n", [["queue", "list"]]),
      (
        below.filter { !isMap($0) }.joined(), [["nightly", "--as-of", "2026-03-02", "--dry-run"]]
      ),
      (
        below.filter(isMap).joined() + events,
        [
          ["queue", "export", "--map", "crm", "--out", "x.csv"],
          ["queue", "import", "x.csv", "--map", "crm"],
        ]
      ),
    ] {
      try Data(text.utf8).write(to: folder.appendingPathComponent("tacit.toml"))
      for command in commands {
        let result = try Program.run(command, in: folder)
        #expect(result.status == 78, "\(command): \(result.errors)")
        said += result.errors
      }
    }
    for place in places {
      let line = said.split(separator: "\n").first { $0.contains("`\(place.unknown)`") }
      guard let line, let known = line.range(of: "known here: ") else {
        Issue.record("the program said nothing of a key in [\(place.path)]: \(line ?? "")")
        continue
      }
      let names = Set(
        line[known.upperBound...].split(separator: ",").map {
          $0.trimmingCharacters(in: CharacterSet(charactersIn: " .;"))
        }
      )
      #expect(names == place.keys, "[\(place.path)]")
    }
  }

  private struct Files: Encodable {
    var schema: String
    var whole: [String]
    var pages: [String]
    var bad: [String]
  }

  private struct Verdict: Decodable {
    var problems: [String]
    var examples: Int
    var refused: [Bool]
  }

  @Test func shippedProjectFilesAndExamplesFitTheSchema() throws {
    let folder = try temporaryFolder()
    let made = try Program.run(
      "synth", "--accounts", "20", "--events", "200", "--seed", "1", "--out", "base", in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let root = Shared.root
    let pages =
      try ["README.md", "datasets/README.md", "datasets/sample/README.md"]
      + FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("docs").path)
      .filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
    let files = Files(
      schema: Self.schema.path,
      whole: [
        root.appendingPathComponent("datasets/sample/tacit.toml").path,
        folder.appendingPathComponent("base/tacit.toml").path,
      ],
      pages: pages.map { root.appendingPathComponent($0).path }.filter {
        FileManager.default.fileExists(atPath: $0)
      },
      bad: [
        "[policy]\ncooldown_day = 3", "[[queue]]\nname = \"a\"", "time_zone = 3",
        "[webhooks]\nurls = [\"ftp://x\"]",
        "[experiment]\nseed = \"a\"\nstarts = \"2026-01-01\"\nholdout = 0.9",
        "[[outcome]]\nname = \"a\"\nevent = \"b\"", "[export.crm]\ncolumns = { a = \"no_field\" }",
      ])
    let said = try Python.run(
      """
      import json, re, sys, tomllib
      from jsonschema import Draft202012Validator
      q = json.load(open(sys.argv[1]))
      schema = json.load(open(q["schema"]))
      Draft202012Validator.check_schema(schema)
      part = {k: v for k, v in schema.items() if k != "required"}
      problems, examples = [], 0
      def hold(schema, text, name):
          for e in Draft202012Validator(schema).iter_errors(tomllib.loads(text)):
              problems.append(f"{name} {e.json_path}: {e.message}"[:300])
      for path in q["whole"]: hold(schema, open(path).read(), path)
      for page in q["pages"]:
          for block in re.findall(r"```toml\\n(.*?)```", open(page).read(), re.S):
              examples += 1
              hold(part, block, page)
      refused = [not Draft202012Validator(part).is_valid(tomllib.loads(t)) for t in q["bad"]]
      print(json.dumps(dict(problems=problems, examples=examples, refused=refused)))
      """, on: files)
    guard let said else { return }
    let verdict = try JSONDecoder().decode(Verdict.self, from: said)
    #expect(verdict.problems.isEmpty, "\(verdict.problems)")
    #expect(verdict.examples >= 5 && verdict.refused.allSatisfy { $0 }, "\(verdict)")
  }
}

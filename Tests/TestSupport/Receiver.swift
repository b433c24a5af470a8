import Foundation

/// A web server on this machine that takes posts and misbehaves by the path they go to: `/ok` 204,
/// `/fail` 500, `/bad` 400, `/gone` 410, `/move` a redirect to `/stolen`, `/half` closes in the middle
/// of its answer, `/slow` answers after 20 s, `/flood` sends without an end, `/closed` 400 until `open()`.
package final class Receiver {
  package struct Post: Sendable, Decodable {
    package var path: String
    package var headers: [String: String]
    package var body: String
  }

  package let port: Int
  private let process: Process
  private let log: URL
  /// The server ends with it, and so with whoever started it.
  private let input = Pipe()

  /// Nil, with a line that says what was skipped, where the project's own environment is not made.
  package init?(test: String = #function) throws {
    let python = Shared.root.appendingPathComponent(".venv/bin/python")
    guard FileManager.default.isExecutableFile(atPath: python.path) else {
      print("SKIPPED: \(test): .venv not found, run make venv")
      return nil
    }
    let folder = try temporaryFolder()
    log = folder.appendingPathComponent("posts.jsonl")
    let script = folder.appendingPathComponent("server.py")
    try Data(Self.script.utf8).write(to: script)
    process = Process()
    process.executableURL = python
    process.arguments = [script.path, log.path]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = input
    try process.run()
    let said = output.fileHandleForReading.availableData
    port = Int(String(decoding: said, as: UTF8.self).filter(\.isNumber)) ?? 0
  }

  deinit { process.terminate() }

  package func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  /// From now on `/closed` takes posts.
  package func open() throws { try Data().write(to: URL(fileURLWithPath: log.path + ".open")) }

  /// What has come so far, in order.
  package func posts() throws -> [Post] {
    guard let data = FileManager.default.contents(atPath: log.path) else { return [] }
    return try data.split(separator: 0x0A).map { try JSONDecoder().decode(Post.self, from: $0) }
  }

  private static let script = """
    import http.server, json, os, sys, threading, time
    def end_with_parent():
        sys.stdin.read()
        os._exit(0)
    threading.Thread(target=end_with_parent, daemon=True).start()
    log = open(sys.argv[1], "a")
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args): pass
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {k.lower(): v for k, v in self.headers.items()}
            log.write(json.dumps({"path": self.path, "headers": headers, "body": body.decode()}) + "\\n")
            log.flush()
            path = self.path.split("?")[0]
            code = {"/fail": 500, "/bad": 400, "/gone": 410, "/move": 302}.get(path, 204)
            if path == "/closed" and not os.path.exists(sys.argv[1] + ".open"): code = 400
            if path == "/slow": time.sleep(20)
            if path == "/half":
                self.send_response(200)
                self.send_header("content-length", "1000")
                self.end_headers()
                self.wfile.write(b"half")
                self.wfile.flush()
                self.connection.close()
                return
            if path == "/flood":
                self.send_response(200)
                self.end_headers()
                try:
                    while True: self.wfile.write(b"x" * 65536)
                except OSError: return
            self.send_response(code)
            if code == 302: self.send_header("location", "/stolen")
            self.send_header("content-length", "0")
            self.end_headers()
        do_GET = do_POST
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()
    """
}

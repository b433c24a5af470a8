import Foundation
import FoundationNetworking
import Synchronization

/// What came of sending a post.
package enum WebhookAnswer: Sendable, Equatable {
  case status(Int)
  /// No answer, and why, in words without anything of the post or the answer.
  case none(String)
}

/// Sends posts over HTTP, one at a time. Redirects are not followed (their target is on no list of
/// allowed hosts), cookies are not kept, and of an answer no more than `mostBytes` are read.
package final class HTTPSender: Sendable {
  private let session: URLSession
  private let exchange = Exchange()
  private let seconds: Double
  static let mostBytes = 1 << 16

  /// - Parameter seconds: how long an answer is waited for, from the start to its end.
  package init(seconds: Double = 15) {
    self.seconds = seconds
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = seconds
    configuration.timeoutIntervalForResource = seconds
    configuration.httpShouldSetCookies = false
    configuration.urlCache = nil
    session = URLSession(configuration: configuration, delegate: exchange, delegateQueue: nil)
  }

  deinit { session.invalidateAndCancel() }

  package func send(_ message: WebhookMessage) -> WebhookAnswer {
    guard let url = URL(string: message.url) else { return .none("no URL") }
    var request = URLRequest(url: url)
    request.httpMethod = "POST"
    request.httpBody = message.body
    for (name, value) in message.headers { request.setValue(value, forHTTPHeaderField: name) }
    request.setValue("tacit", forHTTPHeaderField: "user-agent")
    let task = session.dataTask(with: request)
    let done = exchange.begin(task.taskIdentifier)
    task.resume()
    let ended = done.wait(timeout: .now() + seconds) == .success
    let answer = exchange.end(task.taskIdentifier)
    if !ended { task.cancel() }
    return ended ? answer ?? .none("no answer") : .none("timed out")
  }
}

/// The side of an exchange that the session's own queue calls.
private final class Exchange: NSObject, URLSessionDataDelegate, Sendable {
  private struct Running {
    var done: DispatchSemaphore
    var bytes = 0
    var answer: WebhookAnswer?
  }

  private let running = Mutex<[Int: Running]>([:])

  func begin(_ task: Int) -> DispatchSemaphore {
    let done = DispatchSemaphore(value: 0)
    running.withLock { $0[task] = Running(done: done) }
    return done
  }

  func end(_ task: Int) -> WebhookAnswer? {
    running.withLock { $0.removeValue(forKey: task)?.answer }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    finish(task, .status(response.statusCode))
    completionHandler(nil)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let bytes = running.withLock { all in
      all[dataTask.taskIdentifier]?.bytes += data.count
      return all[dataTask.taskIdentifier]?.bytes ?? 0
    }
    if bytes > HTTPSender.mostBytes, let response = dataTask.response as? HTTPURLResponse {
      finish(dataTask, .status(response.statusCode))
      dataTask.cancel()
    }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    if let error {
      finish(task, .none(Self.reason(error)))
    } else if let response = task.response as? HTTPURLResponse {
      finish(task, .status(response.statusCode))
    } else {
      finish(task, .none("no answer"))
    }
  }

  private func finish(_ task: URLSessionTask, _ answer: WebhookAnswer) {
    running.withLock { all in
      guard all[task.taskIdentifier]?.answer == nil else { return }
      all[task.taskIdentifier]?.answer = answer
      all[task.taskIdentifier]?.done.signal()
    }
  }

  /// An error's own text may hold the URL.
  private static func reason(_ error: any Error) -> String {
    switch (error as? URLError)?.code {
    case .timedOut: "timed out"
    case .cannotConnectToHost: "cannot connect"
    case .cannotFindHost, .dnsLookupFailed: "host not found"
    case .networkConnectionLost: "connection lost"
    case .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasBadDate,
      .serverCertificateHasUnknownRoot:
      "no secure connection"
    default: "no answer (code \((error as NSError).code))"
    }
  }
}

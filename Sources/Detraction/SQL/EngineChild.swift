import Foundation
package import Histories

/// A program in a process group of its own, which ends with whoever started it.
///
/// An engine is often a script that starts a JVM that starts others. They stand in one group, under a
/// shell that holds the reading end of a pipe: when this process ends, however it ends, the pipe ends, and
/// the shell kills the group. Ctrl-C reaches this process alone, and so all of them.
package struct EngineChild: ~Copyable {
  private let group: pid_t
  /// The writing end of the pipe; nobody writes to it.
  private let lifeline: Int32

  /// $1 is where the program runs, the rest its command line.
  private static let shell = """
    exec 3<&0 </dev/null
    cd -- "$1" || exit 126
    shift
    "$@" 3<&- &
    engine=$!
    (read -r end <&3; kill -KILL 0) &
    watch=$!
    exec 3<&-
    wait $engine
    status=$?
    kill -KILL $watch
    exit $status
    """

  /// Starts it; both of its outputs go to `log`, which is made for its owner alone. Throws `service`
  /// where it does not start, `output` where the log cannot be written.
  package init(
    _ command: [String], in folder: String, environment: [String: String], log: String
  ) throws(HistoriesError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw .service("\(command[0]) does not start: \(String(cString: strerror(errno)))")
    }
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard output >= 0 else {
      let reason = String(cString: strerror(errno))
      for end in ends { close(end) }
      throw .output("\(log) cannot be written: \(reason)")
    }
    defer {
      close(output)
      close(ends[0])
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, output, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A worker's thread has signals blocked, and SIGPIPE may be ignored here: not so there.
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var words =
      (["/bin/sh", "-c", Self.shell, "engine", folder] + command).map { strdup($0) } + [nil]
    var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + settings { free(text) } }
    var child = pid_t()
    let failure = posix_spawn(&child, "/bin/sh", &actions, &attributes, &words, &settings)
    guard failure == 0 else {
      close(ends[1])
      throw .service("\(command[0]) does not start: \(String(cString: strerror(failure)))")
    }
    group = child
    lifeline = ends[1]
  }

  /// Waits for its end, and ends whatever it left running; its exit status, 128 + n after signal n.
  /// `running` is called about ten times a second.
  package consuming func wait(_ running: () -> Void) -> Int32 {
    var facts = siginfo_t()
    // Not reaped before its group is ended, so that its number is nobody else's.
    while waitid(P_PID, id_t(group), &facts, WEXITED | WNOWAIT | WNOHANG) == 0 || errno == EINTR {
      if facts.si_signo != 0 { break }
      running()
      usleep(100_000)
    }
    kill(-group, SIGKILL)
    var status: Int32 = 0
    while waitpid(group, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  deinit { close(lifeline) }
}

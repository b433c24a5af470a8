import Foundation

/// What the machine, and the limits of this process, allow.
package enum PhysicalMemory {
  /// Bytes of memory in the machine.
  package static let bytes = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))

  /// Throws `noRoom` where `bytes` more of one process's own could not be had: asked before
  /// anything of the size of the data is allocated.
  package static func check(_ bytes: Int, for what: String) throws(LearningError) {
    var allowed = Self.bytes
    for resource in [RLIMIT_DATA, RLIMIT_AS] {
      var limit = rlimit()
      guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { continue }
      if limit.rlim_cur < UInt(Int.max) { allowed = min(allowed, Int(limit.rlim_cur)) }
    }
    guard bytes < allowed else { throw .noRoom(what: what, bytes: bytes, allowed: allowed) }
  }
}

internal import ApusDWARF
internal import ApusLocks

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The file in which `perf` looks for names of functions that are in no file: one for the process.
final class PerfMap: Sendable {
    static let shared = PerfMap()

    /// What has been opened, or could not be.
    private let file = SystemMutex<ToolFile?>(nil)

    /// Adds a line for each function.
    func add(_ functions: [NativeFunction]) {
        var text = ""
        for function in functions {
            text += String(function.start, radix: 16) + " "
            text += String(function.byteCount, radix: 16) + " " + function.name + "\n"
        }
        file.withLock { file in
            if file == nil { file = ToolFile("/tmp/perf-\(getpid()).map") }
            file?.write(Array(text.utf8))
        }
    }
}

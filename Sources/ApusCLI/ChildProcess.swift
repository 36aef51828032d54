internal import Apus

// SAFETY: what the system's headers say of `environ` and the like is not Swift's to check; each use
// here is marked.
#if canImport(Glibc)
    @unsafe @preconcurrency internal import Glibc
#elseif canImport(Musl)
    @unsafe @preconcurrency internal import Musl
#else
    @unsafe @preconcurrency internal import Darwin
#endif

/// This command, run once more as a process of its own, whose input is empty and whose outputs are
/// thrown away.
enum ChildProcess {
    /// What one took, from before it was there until it was gone.
    struct Cost {
        var time: Duration
        /// Of all its threads, and of the system for it.
        var processorTime: Duration
    }

    /// Runs this command with `arguments`, in this process's environment and that of `variables`.
    static func run(_ arguments: [String], with variables: [Variable] = []) throws -> Cost {
        let words = (["apus"] + arguments).map(HostText.bytes)
        let environment = Variable.resolved(variables, inheritsAll: true).map { variable in
            variable.key + [UInt8(ascii: "=")] + (variable.value ?? [])
        }
        let start = ContinuousClock.now
        // SAFETY: both lists end with null and live during the call.
        let process = try unsafe withTexts(words) { words throws(FileError) in
            try unsafe withTexts(environment) { environment throws(FileError) in
                try unsafe spawn(words, environment)
            }
        }
        var status: Int32 = 0
        var usage = rusage()
        // SAFETY: the system writes a number and a record, which are this function's own.
        while unsafe wait4(process, &status, 0, &usage) < 0 {
            if errno != EINTR { throw failure(errno) }
        }
        let time = start.duration(to: .now)
        // The low seven bits are the signal that has ended it.
        let ended = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        if ended != 0 { throw ProgramFailure(status: ended) }
        func duration(_ time: timeval) -> Duration {
            .seconds(time.tv_sec) + .microseconds(Int(time.tv_usec))
        }
        return Cost(
            time: time, processorTime: duration(usage.ru_utime) + duration(usage.ru_stime))
    }

    // SAFETY: callers give lists of texts, each with a zero behind it, that end with null.
    private static func spawn(
        _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>,
        _ environment: UnsafePointer<UnsafeMutablePointer<CChar>?>
    ) throws(FileError) -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            // SAFETY: it is filled in before it is used.
            var actions = unsafe posix_spawn_file_actions_t()
        #endif
        // SAFETY: the record is this function's own from here to the end of the function; the paths
        // are constants, or texts of the function's, which end with a zero.
        _ = unsafe posix_spawn_file_actions_init(&actions)
        defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
        for descriptor in STDIN_FILENO...STDERR_FILENO {
            let flags = descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY
            _ = unsafe posix_spawn_file_actions_addopen(
                &actions, descriptor, "/dev/null", flags, 0)
        }
        var process: pid_t = 0
        let error = unsafe posix_spawn(
            &process, executable, &actions, nil, arguments, environment)
        if error != 0 { throw failure(error) }
        return process
    }

    /// Where this command is: what runs, even if another one has come in its place since.
    private static var executable: String {
        #if canImport(Darwin)
            HostProcess.commandLine.first.flatMap { HostProcess.realPath($0) } ?? "apus"
        #else
            "/proc/self/exe"
        #endif
    }

    private static func failure(_ number: Int32) -> FileError {
        FileError(path: "apus", reason: HostProcess.reason(number))
    }

    /// Lends `texts` as the system takes them: each with a zero behind it, and null behind all.
    private static func withTexts<Result>(
        _ texts: [[UInt8]],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws(FileError) -> Result
    ) throws(FileError) -> Result {
        var storage = texts.flatMap { $0 + [0] }.map { CChar(bitPattern: $0) }
        storage.append(0)
        // SAFETY: both are this function's own and as large as what is written; they are freed when
        // the call is over.
        let characters = UnsafeMutablePointer<CChar>.allocate(capacity: storage.count)
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
            capacity: texts.count + 1)
        defer {
            unsafe characters.deallocate()
            unsafe list.deallocate()
        }
        for (index, character) in storage.enumerated() {
            unsafe (characters + index).initialize(to: character)
        }
        var start = 0
        for (index, text) in texts.enumerated() {
            // SAFETY: the place is below the list's size, and the text begins in the storage.
            unsafe (list + index).initialize(to: characters + start)
            start += text.count + 1
        }
        // SAFETY: there is one place more than there are texts.
        unsafe (list + texts.count).initialize(to: nil)
        return try unsafe body(UnsafePointer(list))
    }
}

@_spi(ApusCLI) internal import Apus
internal import ApusCollections

// SAFETY: what the system's headers say of `environ` and the like is not Swift's to check; each use
// here is marked.
#if canImport(Glibc)
    @unsafe @preconcurrency internal import Glibc
#elseif canImport(Musl)
    @unsafe @preconcurrency internal import Musl
#else
    @unsafe @preconcurrency internal import Darwin
#endif

/// What the system has for this process.
enum HostProcess {
    /// The command line, as `HostText` has it; the first is what the command was called by.
    static var commandLine: [String] {
        // SAFETY: `CommandLine` has `argc` texts, each ending with a zero, for the life of the
        // process; they are copied.
        let arguments = unsafe UnsafeBufferPointer(
            start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        return unsafe arguments.compactMap { argument in
            unsafe argument.map { unsafe HostText.string(bytes($0)) }
        }
    }

    /// The variables of the environment.
    static var environment: [Variable] {
        var variables: [Variable] = []
        // SAFETY: the list ends with null, and each text with a zero; nothing else runs in this
        // process while it is read, and nothing here ever changes the environment.
        var next = unsafe environ
        while let text = unsafe next.pointee {
            if let variable = Variable(bytes: unsafe bytes(text)) { variables.append(variable) }
            unsafe next += 1
        }
        return variables
    }

    /// Time that processors have spent on this process, on all its threads and in the system.
    static var processorTime: Duration {
        var usage = rusage()
        #if canImport(Glibc)
            let who = __rusage_who_t(RUSAGE_SELF.rawValue)
        #else
            let who = RUSAGE_SELF
        #endif
        // SAFETY: the system writes one record, this function's own.
        guard unsafe getrusage(who, &usage) == 0 else { return .zero }
        func duration(_ time: timeval) -> Duration {
            .seconds(time.tv_sec) + .microseconds(Int(time.tv_usec))
        }
        return duration(usage.ru_utime) + duration(usage.ru_stime)
    }

    /// The names in the folder at `path`, in no order; none if it cannot be read.
    static func names(in path: String) -> [String] {
        // SAFETY: the stream is this function's own, from `opendir` to `closedir`; a record of its
        // is valid until the next one is read, and its name, of at most 256 bytes, ends with a zero
        // and is copied before.
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    unsafe bytes(name)
                }
            }
            names.append(HostText.string(name))
        }
        return names
    }

    /// Whether nothing is at `path`.
    static func isMissing(_ path: String) -> Bool {
        // SAFETY: `withPath` lends the text for the call.
        let status = unsafe withPath(path) { path in unsafe access(path, F_OK) }
        return status != 0 && errno == ENOENT
    }

    /// The system's number for why the file at `path` could not be written; nil if it could. It is
    /// not made, and what is there stays as it is.
    static func refusalToWrite(_ path: String) -> Int32? {
        // SAFETY: `withPath` lends the text for the call; the record is this function's own.
        var status = stat()
        if unsafe withPath(path, { path in unsafe stat(path, &status) }) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { return EISDIR }
            return unsafe withPath(path) { path in unsafe access(path, W_OK) } == 0 ? nil : errno
        }
        if errno != ENOENT { return errno }
        if path.isEmpty || path.hasSuffix("/") { return ENOENT }
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { String(path[...$0]) } ?? "."
        // SAFETY: as above.
        let isOpen = unsafe withPath(folder) { path in unsafe access(path, W_OK | X_OK) }
        return isOpen == 0 ? nil : errno
    }

    /// Whether a file of at most so many bytes is at `path`, and nothing else.
    static func isFile(_ path: String, ofAtMost bytes: Int) -> Bool {
        // SAFETY: `withPath` lends the text for the call; the record is this function's own.
        var status = stat()
        let result = unsafe withPath(path) { path in unsafe stat(path, &status) }
        return result == 0 && status.st_mode & S_IFMT == S_IFREG && Int(status.st_size) <= bytes
    }

    /// The path of what is at `path`, from the root on and without links; nil if nothing is there.
    static func realPath(_ path: String) -> String? {
        // SAFETY: `withPath` lends the text for the call; what `realpath` allocates is this
        // function's own, and is copied before it is freed.
        let resolved = unsafe withPath(path) { path in unsafe realpath(path, nil) }
        guard let resolved = unsafe resolved else { return nil }
        defer { unsafe free(resolved) }
        return HostText.string(unsafe bytes(resolved))
    }

    /// The path of what is at `path`, from the root on; links in it stay.
    static func wholePath(_ path: String) -> String {
        guard !path.hasPrefix("/"), path != "-", let folder = realPath(".") else { return path }
        return folder + (folder.hasSuffix("/") ? "" : "/") + path
    }

    /// Bytes of a page of memory.
    static var pageBytes: Int { sysconf(Int32(_SC_PAGESIZE)) }

    /// Processors that there are.
    static var processorCount: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }

    /// The most bytes of address space that this process may have; nil: what there is.
    static var addressSpaceLimit: UInt64? { limit(.addressSpace) }

    /// The most files that this process may have open; nil: any number.
    static var openFileLimit: UInt64? { limit(.openFiles) }

    /// The most bytes that this thread's stack may have; nil: any number.
    static var stackLimit: UInt64? { limit(.stack) }

    private enum Limit { case addressSpace, openFiles, stack }

    private static func limit(_ limit: Limit) -> UInt64? {
        let resource =
            switch limit {
            case .addressSpace: RLIMIT_AS
            case .openFiles: RLIMIT_NOFILE
            case .stack: RLIMIT_STACK
            }
        #if canImport(Glibc)
            let number = __rlimit_resource_t(resource.rawValue)
        #else
            let number = resource
        #endif
        var value = rlimit()
        // SAFETY: the system writes one record, this function's own.
        guard unsafe getrlimit(number, &value) == 0, value.rlim_cur < UInt64(Int64.max) else {
            return nil
        }
        return UInt64(value.rlim_cur)
    }

    /// Opens the file at `path` for reading, and `waits` until it can be, if it is a pipe.
    static func open(_ path: String, waits: Bool = true) throws(FileError) -> Int32 {
        let flags = O_RDONLY | O_CLOEXEC | (waits ? 0 : O_NONBLOCK)
        // SAFETY: `withPath` lends the text for the call.
        let descriptor = unsafe withPath(path) { path in unsafe openFile(path, flags) }
        if descriptor < 0 {
            throw FileError(path: HostText.shown(path), reason: reason(errno))
        }
        return descriptor
    }

    static func close(_ descriptor: Int32) {
        _ = closeFile(descriptor)
    }

    /// What can be read now, of at most `count` bytes, which is waited for: nothing at the end. Nil
    /// if that is not possible.
    static func read(_ descriptor: Int32, upTo count: Int) -> [UInt8]? {
        // SAFETY: the buffer has that many bytes, and as many of them are kept as were written.
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var result: Int
            repeat {
                result = unsafe readFile(descriptor, buffer.baseAddress, buffer.count)
            } while result < 0 && errno == EINTR
            failed = result < 0
            filled = max(result, 0)
        }
        return failed ? nil : bytes
    }

    /// Writes all of `bytes`, or as many as somebody takes.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var start = 0
        while start < bytes.count {
            // SAFETY: the buffer is the array's, which lives during the call.
            let result = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe writeFile(
                    descriptor, buffer.baseAddress.map { unsafe $0 + start },
                    buffer.count - start)
            }
            if result > 0 {
                start += result
            } else if errno != EINTR {
                return
            }
        }
    }

    /// The ends of a new pipe; nil if the system has none.
    static func pipe() -> (read: Int32, write: Int32)? {
        var ends: [Int32] = [-1, -1]
        // SAFETY: there is room for two.
        guard unsafe ends.withUnsafeMutableBufferPointer({ unsafe makePipe($0.baseAddress) }) == 0
        else { return nil }
        return (ends[0], ends[1])
    }

    /// Has writing to what nobody reads fail, and not end the process.
    static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Has writing more than the process may fail, and not end the process.
    static func ignoreSizeLimits() { _ = signal(SIGXFSZ, SIG_IGN) }

    /// Has `take` called with each of these signals that comes, in place of what it would do, on a
    /// thread of its own; not with those that are ignored. To be called while the process has one
    /// thread: others would not keep the signals back.
    static func takeSignals(_ numbers: [Int32], _ take: @escaping @Sendable (Int32) -> Void) {
        // SAFETY: these fill in and read a set and a number that are variables here.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in numbers where restoreSignal(number) {
            unsafe sigaddset(&signals, number)
        }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        let kept = signals
        let isWaiting = WorkerThreads.start {
            var kept = kept
            var number: Int32 = 0
            while true {
                if unsafe sigwait(&kept, &number) == 0 { take(number) }
            }
        }
        if !isWaiting { unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    }

    /// Has a signal do what it does by itself, unless whoever started the process has it ignored:
    /// false then.
    @discardableResult
    static func restoreSignal(_ number: Int32) -> Bool {
        let previous = signal(number, SIG_DFL)
        // SAFETY: of both only the address is looked at.
        let isIgnored =
            unsafe unsafeBitCast(previous, to: UInt.self)
            == unsafeBitCast(SIG_IGN, to: UInt.self)
        if isIgnored { signal(number, SIG_IGN) }
        return !isIgnored
    }

    /// Ends the process at once.
    static func end(_ status: Int32) -> Never { _exit(status) }

    /// Waits for so long.
    static func sleep(milliseconds: UInt32) { usleep(milliseconds * 1000) }

    /// The system's words for its error `number`.
    static func reason(_ number: Int32) -> String {
        // SAFETY: the text is copied before this thread can ask for another one.
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }

    // SAFETY: callers give texts of the system's that end with a zero, which are copied here.
    private static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        let characters = unsafe UnsafeBufferPointer(start: text, count: strlen(text))
        return unsafe characters.map { UInt8(bitPattern: $0) }
    }

    private static func withPath<Result>(
        _ path: String, _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        let characters = HostText.bytes(path).map { CChar(bitPattern: $0) } + [0]
        // SAFETY: the array lends its bytes for the call, and is not empty, since it ends with a
        // zero.
        return unsafe characters.withUnsafeBufferPointer { buffer in
            unsafe body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }
}

// SAFETY: `path` ends with a zero, as `withPath` has it.
private func openFile(_ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 {
    unsafe open(path, flags)
}

// SAFETY: callers give a buffer that has at least `count` bytes.
private func readFile(
    _ descriptor: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ count: Int
) -> Int {
    unsafe read(descriptor, buffer, count)
}

// SAFETY: callers give a buffer that has at least `count` bytes.
private func writeFile(
    _ descriptor: Int32, _ buffer: UnsafePointer<UInt8>?, _ count: Int
) -> Int {
    unsafe write(descriptor, buffer, count)
}

// SAFETY: the caller gives room for two numbers.
private func makePipe(_ ends: UnsafeMutablePointer<Int32>?) -> Int32 {
    unsafe pipe(ends)
}

private func closeFile(_ descriptor: Int32) -> Int32 { close(descriptor) }

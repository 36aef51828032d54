public import Apus

/// What a guest is given of its host's world by preview 1 of the WebAssembly System Interface.
///
/// Nothing is granted that is not written here: a new value has no files, no input, no arguments
/// and no environment, throws output away, and has clocks and random numbers that are the same
/// each time.
/// ```swift
/// var wasi = WASI()
/// wasi.arguments = ["cat", "/data/hello.txt"]
/// wasi.preopen("/data", "./samples", access: .readOnly)
/// wasi.standardOutput = .inherit
/// let status = try wasi.run(Module(engine, contentsOf: "cat.wasm"), in: Store(engine))
/// ```
public struct WASI: Sendable {
    /// The command line as bytes, which need not be UTF-8; the first is the program's own name.
    public var argumentBytes: [[UInt8]] = []
    /// Names and values of the environment's variables as bytes, which need not be UTF-8.
    public var environmentBytes: [(name: [UInt8], value: [UInt8])] = []
    /// Where the guest's input comes from.
    public var standardInput: Input = .empty
    /// Where its output goes.
    public var standardOutput: Output = .discard
    /// Where its error output goes.
    public var standardError: Output = .discard
    /// Directories the guest may use. They get the descriptors from 3 on, in order.
    public var preopens: [Preopen] = []
    /// Sockets of the host, which the guest may use but not close. They get the descriptors after
    /// the directories'.
    public var sockets: [Int32] = []
    /// Whether others than the guest use `sockets`, too. If not, it may have them not wait for what
    /// has not come yet (`fd_fdstat_set_flags`).
    @_spi(ApusCLI)
    public var socketsAreShared = true
    /// What time it is for the guest.
    public var clock: Clock = .simulated()
    /// Where its random numbers come from.
    public var random: Random = .seeded(0)
    /// Which functions there are for guests to import.
    public var capabilities: Capabilities = .all
    /// Whether a guest's output that goes to a terminal of the host's, inherited or opened by the
    /// guest, is filtered: colours and moving within its own lines pass, all else that a terminal
    /// would obey is shown instead.
    public var filtersTerminalOutput = true
    /// How many descriptors the guest may have open at once: at first a third of what the process
    /// may have when this is made, and no more than 1024, so that no guest uses up its host's. Of
    /// the host's descriptors all guests of the process together have two thirds at most, and no
    /// guest gets one more (`nfile`) than these still leave for others.
    public var descriptorLimit = share(ofDescriptors: Syscalls.descriptorLimit)
    /// How many threads a program may have at once, the first one included (`run(_:in:)`).
    public var threadLimit = 128
    /// Is told of each thread but the first that a program makes, on that thread: its number, and
    /// the store that its guest is about to run in. What it returns is called when that has ended;
    /// what it throws ends the program.
    @_spi(ApusCLI)
    public var threadObserver: (@Sendable (_ number: Int32, _ store: Store) throws -> () -> Void)?
    /// How paths are kept within their directory.
    var sandbox = Sandbox()

    /// Nothing is granted.
    public init() {}

    /// What a guest may have of as many descriptors as the process may have.
    static func share(ofDescriptors limit: UInt64) -> Int { Int(min(1024, limit / 3)) }

    /// Whether guests may have to wait for descriptors that they are given.
    var mayWait: Bool {
        if case .inherit = standardInput { return true }
        return !sockets.isEmpty || !streams.isEmpty
    }

    /// Outputs that are read as they come.
    private var streams: [StreamedOutput] {
        [standardOutput, standardError].compactMap { output in
            if case .stream(let stream) = output { stream } else { nil }
        }
    }

    /// Nothing more comes of a guest that was run.
    func finishStreams() {
        for stream in streams { stream.finish() }
    }

    /// The command line; the first is the program's own name. Of `argumentBytes`, what is not
    /// UTF-8 reads as U+FFFD.
    public var arguments: [String] {
        get { argumentBytes.map { String(decoding: $0, as: UTF8.self) } }
        set { argumentBytes = newValue.map { Array($0.utf8) } }
    }

    /// Names and values of the environment's variables. Of `environmentBytes`, what is not UTF-8
    /// reads as U+FFFD.
    public var environment: [(name: String, value: String)] {
        get {
            environmentBytes.map { variable in
                (
                    String(decoding: variable.name, as: UTF8.self),
                    String(decoding: variable.value, as: UTF8.self)
                )
            }
        }
        set { environmentBytes = newValue.map { (Array($0.name.utf8), Array($0.value.utf8)) } }
    }

    /// Where a guest's standard input comes from.
    public enum Input: Sendable {
        /// There is none: it ends at once.
        case empty
        /// The host's own, to be read and no more, whatever it is.
        case inherit
        /// These bytes, and then the end.
        case bytes([UInt8])
        /// What a closure brings: asked for at most so many bytes each time, and for no more once
        /// it brought none. The guest waits meanwhile. It must not call into the guest.
        case stream(@Sendable (_ byteLimit: Int) -> [UInt8])
    }

    /// Where a guest's output goes.
    public enum Output: Sendable {
        /// It is thrown away.
        case discard
        /// The host's own, to be written and no more, whatever it is.
        case inherit
        /// It is kept, up to a limit.
        case capture(CapturedOutput)
        /// Called with each piece, of at most 1 MiB. It must not call into the guest.
        case handler(@Sendable ([UInt8]) -> Void)
        /// It is read as it comes, piece by piece. A guest that is too far ahead waits.
        case stream(StreamedOutput)
    }

    /// What a guest may do with a directory.
    public enum Access: Sendable {
        /// It may read, and change nothing.
        case readOnly
        /// It may read and change what is there.
        case readWrite
    }

    /// A directory, and the path under which the guest knows it.
    public struct Preopen: Sendable {
        /// The path under which the guest knows it, as bytes, which need not be UTF-8.
        public var guestPathBytes: [UInt8]
        /// Where it is.
        public var source: Source
        /// What the guest may do with it.
        public var access: Access

        /// What a directory is taken from.
        public enum Source: Sendable {
            /// The directory of the host that has this path.
            case host(String)
            /// The directory of the host whose path these bytes are, which need not be UTF-8.
            case hostBytes([UInt8])
            /// The uppermost directory of a file system of the program's own.
            case virtual(any VirtualFileSystem)
        }

        /// The path under which the guest knows it. Of `guestPathBytes`, what is not UTF-8 reads
        /// as U+FFFD.
        public var guestPath: String {
            get { String(decoding: guestPathBytes, as: UTF8.self) }
            set { guestPathBytes = Array(newValue.utf8) }
        }

        /// Grants a directory.
        public init(guestPath: String, source: Source, access: Access) {
            self.init(guestPathBytes: Array(guestPath.utf8), source: source, access: access)
        }

        /// Grants a directory under a path that need not be UTF-8.
        public init(guestPathBytes: [UInt8], source: Source, access: Access) {
            self.guestPathBytes = guestPathBytes
            self.source = source
            self.access = access
        }
    }

    /// What time it is for a guest.
    public enum Clock: Sendable {
        /// The host's clocks.
        case system
        /// The host's clocks, with the time of day moved.
        case offset(Duration)
        /// Clocks that go on by `step` with each reading, from `start` after 1970 on. Waiting for
        /// them takes no time.
        case simulated(start: Duration = .seconds(1_640_995_200), step: Duration = .milliseconds(1))
    }

    /// Where a guest's random bytes come from.
    public enum Random: Sendable {
        /// The operating system: fit for secrets.
        case system
        /// A sequence that follows from a number: the same each time, and no secret.
        case seeded(UInt64)
    }

    /// How a guest that called `proc_exit` ended. Host functions and calls that a guest leaves
    /// that way throw it; `run` and `status` return the status instead.
    public struct Exit: Error, Hashable, Sendable, CustomStringConvertible {
        /// The exit status that the guest gave.
        public var status: Int32

        public var description: String { "the guest has exited with status \(status)" }
    }

    /// A guest called the WASI while another call of the same world was under way: from within an
    /// output's handler, or from a thread of the host's. The threads that a program makes itself
    /// wait for each other.
    public struct BusyError: Error, Hashable, Sendable, CustomStringConvertible {
        public var description: String { "the WASI is in use by another call of the guest" }
    }

    /// A program that may make threads was to be run in a store whose limiter can only be asked by
    /// one of them: it is no `SharedResourceLimiter`, or asynchronous.
    public struct LimiterError: Error, Hashable, Sendable, CustomStringConvertible {
        public var description: String {
            "the program makes threads, of which only the first can ask the store's limiter"
        }
    }

    /// Lets the guest use the directory at `hostPath` as `guestPath`.
    public mutating func preopen(
        _ guestPath: String, _ hostPath: String, access: Access = .readWrite
    ) {
        preopens.append(Preopen(guestPath: guestPath, source: .host(hostPath), access: access))
    }

    /// Lets the guest use what is in `fileSystem` as `guestPath`.
    public mutating func preopen(
        _ guestPath: String, _ fileSystem: any VirtualFileSystem, access: Access = .readWrite
    ) {
        preopens.append(
            Preopen(guestPath: guestPath, source: .virtual(fileSystem), access: access))
    }

    /// Takes back clocks and random numbers of the host's: with the same input, the same guest then
    /// does the same, as a new value has it. Directories of the host still show its own order,
    /// times and inodes; those of a `MemoryFileSystem` do not.
    public mutating func makeDeterministic(seed: UInt64 = 0) {
        clock = .simulated()
        random = .seeded(seed)
    }

    /// Gives the guest the host's standard streams.
    public mutating func inheritStreams() {
        standardInput = .inherit
        standardOutput = .inherit
        standardError = .inherit
    }
}

public import Apus
public import ApusWASI

extension Sandbox {
    /// What a guest may use, and what becomes of it.
    public struct Configuration: Sendable {
        /// What it may use: 64 MiB of memory, 100 000 table elements, 16 MiB of objects, unless
        /// something else is said. The deadline among them counts from when the guest is made.
        public var limits = Limits(
            memoryBytes: 64 << 20, tableElements: 100_000, heapBytes: 16 << 20, memories: 16,
            tables: 64, instances: 16)
        /// How long a call may take: 10 seconds; nil: without end. Functions of the host that the
        /// guest waits for end by themselves, and then the guest stops.
        public var deadline: Duration? = .seconds(10)
        /// How long a guest computes before other tasks have its thread for a while: 10
        /// milliseconds; nil: until it waits. See `Store.yieldGuests(every:)`; guests of engines
        /// that cannot do it keep their threads.
        public var yieldInterval: Duration? = .milliseconds(10)
        /// What it is given of the host's world by WASI: nothing, unless something is said here.
        /// Its output is the sandbox's. One that is read as it comes (`WASI.Output.stream`) ends
        /// with the first guest; for more than one there is `WASI.Output.handler`.
        public var wasi = WASI()
        /// How many bytes are kept of each of its outputs: 1 MiB.
        public var outputBytesLimit = 1 << 20
        /// What becomes of a guest that a call has left in the middle of its work.
        public var afterFailure = AfterFailure.recycle

        /// The defaults.
        public init() {}
    }

    /// What becomes of a guest when it has trapped, was stopped, or a function of the host has
    /// thrown an error through it: nobody knows what state it is in.
    public enum AfterFailure: Hashable, Sendable {
        /// The next call gets a new one.
        case recycle
        /// It is not called again: calls throw `SandboxError.quarantined`.
        case quarantine
    }
}

/// What sandboxes are made of: a compiled module, and what its guests get. Any number of them share
/// it.
public struct SandboxTemplate: Sendable {
    /// The module.
    public let module: Module
    /// What a guest may use, and what becomes of it.
    public let configuration: Sandbox.Configuration
    private let define: @Sendable (inout Linker) throws -> Void

    /// Guests of `module`, which import what `define` gives them beside what WASI does.
    public init(
        _ module: Module, _ configuration: Sandbox.Configuration = Sandbox.Configuration(),
        define: @escaping @Sendable (inout Linker) throws -> Void = { _ in }
    ) {
        self.module = module
        self.configuration = configuration
        self.define = define
    }

    /// A linker with all that a guest may import, which leads to a world of its own.
    func linker(_ wasi: WASI) throws -> Linker {
        var linker = Linker(module.engine)
        let usesWASI = module.imports.contains { $0.module.hasPrefix("wasi") }
        if usesWASI { try wasi.define(in: &linker) }
        try define(&linker)
        return linker
    }
}

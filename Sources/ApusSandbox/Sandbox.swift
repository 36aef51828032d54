public import Apus
internal import ApusWASI

/// A guest with all that it needs, to be called by name with Swift's values, from any task:
/// ```swift
/// let sandbox = Sandbox(try Module(Engine(), contentsOf: "plugin.wasm"))
/// let sum = try await sandbox.call("add", 1, 2, as: Int.self)
/// ```
/// It may use what its configuration allows, which is little at first, and each call ends in time.
/// A call blocks no thread while the guest waits; when its task is cancelled the guest stops. One
/// call is made after the other, in the order in which they come; so a function of the host must
/// not wait for a call of the sandbox whose guest waits for that function. After a call that has
/// failed in the guest the next one gets a new guest, or none, as the configuration says.
public actor Sandbox {
    private let template: SandboxTemplate
    private let output: SandboxOutput
    private let admission = Admission(1)
    /// nil: the next call makes one.
    private var guest: Guest?
    private var quarantine: String?

    /// A sandbox whose guest is made when it is first called.
    public init(_ template: SandboxTemplate) {
        self.template = template
        output = SandboxOutput(byteLimit: template.configuration.outputBytesLimit)
    }

    /// A sandbox for guests of `module`, which import what `define` gives them beside what WASI
    /// does.
    public init(
        _ module: Module, _ configuration: Configuration = Configuration(),
        define: @escaping @Sendable (inout Linker) throws -> Void = { _ in }
    ) {
        self.init(SandboxTemplate(module, configuration, define: define))
    }

    // MARK: Calling

    /// Calls what the guest exports as `name`, and returns its result.
    ///
    /// An integer is passed as the i32 or i64 that the function takes, `String` and bytes as two
    /// integers: where they are in the guest's memory, and how many bytes. They are allocated by
    /// what the guest exports as `cabi_realloc`, `malloc`, `allocate` or `alloc`, and freed after
    /// the call by `free`, `deallocate` or `dealloc`; so are bytes that the function returns, as an
    /// i64 with the address in its upper half, or as two integers. A function that gives several
    /// numbers is called by `withInstance(_:)`, or without asking for a result.
    ///
    /// - Throws: `SandboxError` and `ExportError` if the function cannot be called like this;
    ///   `Trap` if the guest stops; `CancellationError` if the task is cancelled; whatever a host
    ///   function throws, unchanged.
    public func call<Result: SandboxResult>(
        _ name: String, _ arguments: any SandboxArgument..., as type: Result.Type
    ) async throws -> Result {
        let data = try await perform(
            name, arguments.map(\.sandboxData),
            Result.isBytes ? .bytes : .number(isUnsigned: Result.isUnsigned))
        guard let data, let result = Result(sandboxData: data) else {
            throw SandboxError.result(function: name, reason: "it is no \(Result.self)")
        }
        return result
    }

    /// Calls what the guest exports as `name`. Results are ignored. Throws as `call(_:_:as:)`.
    public func call(_ name: String, _ arguments: any SandboxArgument...) async throws {
        _ = try await perform(name, arguments.map(\.sandboxData), .nothing)
    }

    /// Calls what the guest exports as `name` with the bytes that `coder` makes of `argument`, and
    /// returns what it makes of the bytes that come back. Throws as `call(_:_:as:)`, and what the
    /// coder throws.
    public func call<Result: Decodable & Sendable>(
        _ name: String, _ argument: some Encodable & Sendable, as type: Result.Type,
        coder: some SandboxCoder
    ) async throws -> Result {
        let bytes = try coder.encode(argument)
        let data = try await perform(name, [.bytes(bytes)], .bytes)
        guard case .bytes(let result)? = data else {
            throw SandboxError.result(function: name, reason: "it gives no bytes")
        }
        return try coder.decode(type, from: result)
    }

    private func perform(
        _ name: String, _ arguments: [SandboxData], _ wanted: GuestCall.Wanted
    ) async throws -> SandboxData? {
        try await use { guest in
            var call = try GuestCall(name, of: guest.instance)
            return try await call.call(arguments, wanted)
        }
    }

    /// Runs the program that the module is, in a guest of its own, and returns its exit status:
    /// what it exports as `_start`.
    ///
    /// - Throws: `ExportError` if it is no program; otherwise as `call(_:_:as:)`.
    public func run() async throws -> Int32 {
        try await admission.enter()
        defer { admission.leave() }
        do {
            let guest = try await Guest(template, output)
            _ = try await guest.instance.function("_start").callAsync()
            return 0
        } catch let exit as WASI.Exit {
            return exit.status
        }
    }

    /// Calls `body` with the guest's instance, for all that has no function here. It may call the
    /// guest, and must not keep the instance. Whatever it throws counts as a failure of the guest.
    ///
    /// - Throws: what making a guest throws, and what `body` throws.
    public func withInstance<Result: Sendable>(
        _ body: @Sendable (Instance) throws -> Result
    ) async throws -> Result {
        try await use { guest in
            // Nobody knows whether the guest has run.
            try inGuest { try body(guest.instance) }
        }
    }

    // MARK: The guest

    /// Does `body` when it is its turn.
    private func use<Result>(
        _ body: nonisolated(nonsending) (Guest) async throws -> Result
    ) async throws -> Result {
        try await admission.enter()
        defer { admission.leave() }
        if let quarantine { throw SandboxError.quarantined(reason: quarantine) }
        do {
            let guest = try await presentGuest()
            if let deadline = template.configuration.deadline { guest.limit(to: deadline) }
            defer { guest.endLimit() }
            return try await body(guest)
        } catch let failure as GuestFailure {
            guest = nil
            if template.configuration.afterFailure == .quarantine {
                quarantine = "\(failure.error)"
            }
            throw failure.error
        }
    }

    private func presentGuest() async throws -> Guest {
        if let guest { return guest }
        let made: Guest
        do {
            made = try await Guest(template, output)
        } catch {
            throw GuestFailure(error)
        }
        guest = made
        return made
    }

    /// Lets go of the guest: the next call gets a new one, also after a quarantine.
    public func reset() async throws {
        try await admission.enter()
        defer { admission.leave() }
        guest = nil
        quarantine = nil
    }

    /// Whether no call is made any more, as one has failed.
    public var isQuarantined: Bool { quarantine != nil }

    // MARK: Output

    /// What its guests have written to their standard output so far.
    public nonisolated var standardOutput: String { output.standard.string }

    /// What its guests have written to their standard error output so far.
    public nonisolated var standardError: String { output.error.string }

    /// Forgets what has been written.
    public nonisolated func clearOutput() {
        output.standard.removeAll()
        output.error.removeAll()
    }
}

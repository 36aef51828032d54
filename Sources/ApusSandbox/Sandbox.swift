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
/// not wait for a call of the sandbox whose guest waits for that function: such a call throws
/// `SandboxError.waitsForItself`, or waits for ever if it is another task's. After a call that has
/// failed in the guest the next one gets a new guest, or none, as the configuration says.
public actor Sandbox {
    let template: SandboxTemplate
    private let output: SandboxOutput
    private let admission = Admission(1)
    /// The task that is in; nil: none is.
    private var task: TaskIdentity?
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
    /// i64 with the address in its upper half, or as two integers. What it returns of its arguments
    /// is freed once.
    ///
    /// - Throws: `SandboxError` and `ExportError` if the function cannot be called like this;
    ///   `MemoryError` if bytes are not in the guest's memory; `Trap` if the guest stops;
    ///   `CancellationError` if the task is cancelled, and if that was before it was the call's
    ///   turn, the guest is what it was; whatever a host function throws, unchanged.
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

    /// Calls what the guest exports as `name` when it is its turn.
    func perform(
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
        try await enter()
        defer { leave() }
        try Task.checkCancellation()
        do {
            let guest = try await Guest(template, output)
            _ = try await guest.instance.function("_start").callInGuest([])
            return 0
        } catch let failure as GuestFailure {
            guard let exit = failure.error as? WASI.Exit else { throw failure.error }
            return exit.status
        }
    }

    /// Calls `body` with the guest's instance, for all that has no function here. It may call the
    /// guest, which stops when the task is cancelled, and must not keep the instance. Whatever it
    /// throws counts as a failure of the guest.
    ///
    /// - Throws: what making a guest throws, and what `body` throws; `CancellationError` if a guest
    ///   was stopped for that.
    public func withInstance<Result: Sendable>(
        _ body: @Sendable (Instance) throws -> Result
    ) async throws -> Result {
        try await use { guest in
            do {
                return try await guest.store.withTaskCancellation { try body(guest.instance) }
            } catch {
                // Nobody knows whether the guest has run.
                throw GuestFailure(error)
            }
        }
    }

    /// Calls `body` with the guest's instance, and waits for it: it may call the guest with
    /// `callAsync`. As with a `body` that waits for nothing, it must not keep the instance, and
    /// whatever it throws counts as a failure of the guest.
    ///
    /// - Throws: what making a guest throws, and what `body` throws.
    public func withInstance<Result: Sendable>(
        _ body: nonisolated(nonsending) @Sendable (Instance) async throws -> Result
    ) async throws -> Result {
        try await use { guest in
            do {
                return try await body(guest.instance)
            } catch {
                throw GuestFailure(error)
            }
        }
    }

    // MARK: The guest

    /// Waits for the task's turn; then it must `leave`.
    private func enter() async throws {
        let present = TaskIdentity.current
        if let present, task == present { throw SandboxError.waitsForItself }
        try await admission.enter()
        task = present
    }

    private func leave() {
        task = nil
        admission.leave()
    }

    /// Does `body` when it is its turn.
    private func use<Result>(
        _ body: nonisolated(nonsending) (Guest) async throws -> Result
    ) async throws -> Result {
        try await enter()
        defer { leave() }
        // The guest that is not called is left as it is.
        try Task.checkCancellation()
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
        let made = try await Guest(template, output)
        guest = made
        return made
    }

    /// Lets go of the guest: the next call gets a new one, also after a quarantine.
    ///
    /// - Throws: `CancellationError` if the task is cancelled while it waits for a call's end;
    ///   `SandboxError.waitsForItself`.
    public func reset() async throws {
        try await enter()
        defer { leave() }
        guest = nil
        quarantine = nil
    }

    /// Whether no call is made any more, as one has failed.
    public var isQuarantined: Bool { quarantine != nil }

    // MARK: Output

    /// What its guests have written to their standard output so far; what is no text is replaced.
    public nonisolated var standardOutput: String { output.standard.string }

    /// What its guests have written to their standard error output so far; what is no text is
    /// replaced.
    public nonisolated var standardError: String { output.error.string }

    /// What its guests have written to their standard output so far, as they have written it.
    public nonisolated var standardOutputBytes: [UInt8] { output.standard.bytes }

    /// What its guests have written to their standard error output so far, as they have written it.
    public nonisolated var standardErrorBytes: [UInt8] { output.error.bytes }

    /// Forgets what has been written.
    public nonisolated func clearOutput() {
        output.standard.removeAll()
        output.error.removeAll()
    }
}

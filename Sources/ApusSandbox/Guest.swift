internal import Apus
internal import ApusWASI

/// A guest in its store.
struct Guest {
    let store: Store
    let instance: Instance
    private let limits: Limits
    /// When it was made, from which on its limits count.
    private let start: ContinuousClock.Instant

    /// A new one, whose start function and `_initialize` have run. What fails in these is a
    /// `GuestFailure`; what fails before them is not for the guest to answer.
    nonisolated(nonsending) init(
        _ template: SandboxTemplate, _ output: SandboxOutput
    ) async throws {
        let configuration = template.configuration
        limits = configuration.limits
        start = .now
        store = Store(template.module.engine, limits: limits)
        if let deadline = configuration.deadline {
            Self.limit(store, to: deadline)
        }
        // An engine that cannot do it was asked for by who made the module.
        try? store.yieldGuests(every: configuration.yieldInterval)
        let linker = try template.linker(output.wasi(configuration.wasi))
        instance = try linker.allocate(template.module, in: store)
        do {
            try await instance.initializeAsync()
            if try instance.export("_initialize") != nil {
                _ = try await instance.function("_initialize").callAsync()
            }
        } catch {
            throw GuestFailure(error)
        }
    }

    /// Has it end after `duration`, unless its limits say that it ends before.
    func limit(to duration: Duration) { Self.limit(store, to: duration) }

    private static func limit(_ store: Store, to duration: Duration) {
        if let end = store.deadline, end <= .now + duration { return }
        store.setDeadline(after: duration)
    }

    /// Has it end when its limits say.
    func endLimit() {
        if let duration = limits.deadline {
            store.setDeadline(after: duration, since: start)
        } else {
            store.deadline = nil
        }
    }
}

/// Where a sandbox's guests write.
struct SandboxOutput: Sendable {
    let standard: CapturedOutput
    let error: CapturedOutput

    init(byteLimit: Int) {
        standard = CapturedOutput(byteLimit: byteLimit)
        error = CapturedOutput(byteLimit: byteLimit)
    }

    /// `wasi` with its output going here, unless it goes somewhere else already.
    func wasi(_ wasi: WASI) -> WASI {
        var wasi = wasi
        if case .discard = wasi.standardOutput { wasi.standardOutput = .capture(standard) }
        if case .discard = wasi.standardError { wasi.standardError = .capture(error) }
        return wasi
    }
}

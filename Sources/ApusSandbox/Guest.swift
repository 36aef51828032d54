internal import Apus
internal import ApusWASI

/// A guest in its store.
struct Guest {
    let store: Store
    let instance: Instance

    /// A new one, whose start function and `_initialize` have run.
    nonisolated(nonsending) init(
        _ template: SandboxTemplate, _ output: SandboxOutput
    ) async throws {
        let configuration = template.configuration
        store = Store(template.module.engine, limits: configuration.limits)
        if let deadline = configuration.deadline { store.setDeadline(after: deadline) }
        // An engine that cannot do it was asked for by who made the module.
        try? store.yieldGuests(every: configuration.yieldInterval)
        let linker = try template.linker(output.wasi(configuration.wasi))
        instance = try await linker.instantiateAsync(template.module, in: store)
        if try instance.export("_initialize") != nil {
            _ = try await instance.function("_initialize").callAsync()
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

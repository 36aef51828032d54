extension Sandbox {
    /// Calls what the guest exports as `name` with the bytes that `coder` makes of `argument`, and
    /// returns what it makes of the bytes that come back. Throws as `call(_:_:as:)`, and what the
    /// coder throws.
    public func call<Result: Decodable & Sendable>(
        _ name: String, _ argument: some Encodable & Sendable, as type: Result.Type,
        coder: some SandboxCoder
    ) async throws -> Result {
        let bytes = try coder.encode(argument)
        return try await decode(name, [.bytes(bytes)], type, coder)
    }

    /// Calls what the guest exports as `name`, which takes nothing, and returns what `coder` makes
    /// of the bytes that come back. Throws as `call(_:_:as:)`, and what the coder throws.
    public func call<Result: Decodable & Sendable>(
        _ name: String, as type: Result.Type, coder: some SandboxCoder
    ) async throws -> Result {
        try await decode(name, [], type, coder)
    }

    /// Calls what the guest exports as `name` with the bytes that `coder` makes of `argument`. A
    /// result is ignored. Throws as `call(_:_:as:)`, and what the coder throws.
    public func call(
        _ name: String, _ argument: some Encodable & Sendable, coder: some SandboxCoder
    ) async throws {
        _ = try await perform(name, [.bytes(try coder.encode(argument))], .nothing)
    }

    private func decode<Result: Decodable & Sendable>(
        _ name: String, _ arguments: [SandboxData], _ type: Result.Type, _ coder: some SandboxCoder
    ) async throws -> Result {
        guard case .bytes(let result)? = try await perform(name, arguments, .bytes) else {
            throw SandboxError.result(function: name, reason: "it gives no bytes")
        }
        return try coder.decode(type, from: result)
    }
}

/// Sandboxes of one template, for servers: so many at most, each used by one task at a time.
public actor SandboxPool {
    let template: SandboxTemplate
    private nonisolated let admission: Admission
    /// Those that nobody uses; the one that was used last is used next.
    private var idle: [Sandbox] = []

    /// A pool of up to `count` sandboxes, which are made when they are needed.
    public init(_ template: SandboxTemplate, count: Int) {
        self.template = template
        admission = Admission(max(count, 1))
    }

    /// Calls `body` with a sandbox that nobody else uses meanwhile, as soon as there is one. Its
    /// guest is what the one before has left it, unless `isFresh`. One in quarantine is not used
    /// again. Tasks that have a sandbox and want another one as well may all wait for each other.
    ///
    /// - Throws: `CancellationError` if the task is cancelled before there is one; what `body`
    ///   throws.
    public nonisolated func withSandbox<Result: Sendable>(
        isFresh: Bool = false, _ body: @Sendable (Sandbox) async throws -> Result
    ) async throws -> Result {
        try await admission.enter()
        let sandbox = await take()
        let result: Swift.Result<Result, any Error>
        do {
            if isFresh { try await sandbox.reset() }
            result = .success(try await body(sandbox))
        } catch {
            result = .failure(error)
        }
        await giveBack(sandbox)
        admission.leave()
        return try result.get()
    }

    private func take() -> Sandbox { idle.popLast() ?? Sandbox(template) }

    private func giveBack(_ sandbox: Sandbox) async {
        if await sandbox.isQuarantined { return }
        sandbox.clearOutput()
        idle.append(sandbox)
    }
}

/// Instances whose start functions may wait.
extension RuntimeStore {
    /// Makes an instance with `imports` as `instantiate` does, but calls its start function
    /// asynchronously.
    public nonisolated(nonsending) func instantiateAsync(
        _ imports: Imports, hostState: AnyObject? = nil
    ) async throws -> InstanceState {
        let request = InstanceAllocationRequest(
            imports: imports, store: self, hostState: hostState)
        let instance = try await withConsent(toInstancesOf: [imports.module]) {
            try allocate(request)
        }
        try await initializeAsync(instance)
        return instance
    }

    /// Gives an instance that was allocated, and nothing else, its first contents, and calls its
    /// start function asynchronously.
    public nonisolated(nonsending) func initializeAsync(_ instance: InstanceState) async throws {
        instance.defersStart = true
        try initialize(instance)
        guard let start = try instance.startTarget() else { return }
        var cells: [UInt64] = []
        try await callAsync(start, &cells)
    }
}

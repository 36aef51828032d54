internal import Apus

/// What was thrown while the guest ran, or for what it has done: its state may be anything. Its
/// type does not tell, as host functions may throw errors of any type through the guest.
struct GuestFailure: Error {
    let error: any Error

    init(_ error: any Error) { self.error = error }
}

extension Function {
    /// Calls it. Whatever is thrown is a `GuestFailure`.
    nonisolated(nonsending) func callInGuest(_ arguments: [Value]) async throws -> [Value] {
        do {
            return try await callAsync(arguments)
        } catch {
            throw GuestFailure(error)
        }
    }
}

/// Does `work` on behalf of the guest, for which that is to answer.
func inGuest<Result>(_ work: () throws -> Result) throws(GuestFailure) -> Result {
    do {
        return try work()
    } catch {
        throw GuestFailure(error)
    }
}

/// The same for what waits for the guest.
nonisolated(nonsending) func inGuestAsync<Result>(
    _ work: nonisolated(nonsending) () async throws -> Result
) async throws(GuestFailure) -> Result {
    do {
        return try await work()
    } catch {
        throw GuestFailure(error)
    }
}

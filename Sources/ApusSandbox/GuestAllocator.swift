internal import Apus

/// The allocator that a guest exports for its host. What is called is found by name, in this order:
/// `cabi_realloc`, `malloc`, `allocate`, `alloc`; and to free `free`, `deallocate`, `dealloc`.
struct GuestAllocator {
    private let allocate: Function
    private let release: Function?

    /// nil: the guest has none.
    init?(of instance: Instance) throws {
        guard
            let allocate = try Self.first(
                of: ["cabi_realloc", "malloc", "allocate", "alloc"], in: instance,
                where: { $0.results == [.i32] && [1, 4].contains($0.parameters.count) })
        else { return nil }
        self.allocate = allocate
        release = try Self.first(
            of: ["free", "deallocate", "dealloc"], in: instance,
            where: { $0.results.isEmpty && [1, 2].contains($0.parameters.count) })
    }

    private static func first(
        of names: [String], in instance: Instance, where fits: (FunctionType) -> Bool
    ) throws -> Function? {
        for name in names {
            guard case .function(let function)? = try instance.export(name),
                fits(function.type), function.type.parameters.allSatisfy({ $0 == .i32 })
            else { continue }
            return function
        }
        return nil
    }

    /// The address of `count` bytes that nobody else has.
    nonisolated(nonsending) func allocate(_ count: Int) async throws -> UInt32 {
        guard let size = Int32(exactly: count) else {
            throw GuestFailure(SandboxError.allocationFailed(bytes: count))
        }
        let arguments: [Value] =
            allocate.type.parameters.count == 4
            ? [.i32(0), .i32(0), .i32(1), .i32(size)] : [.i32(size)]
        let results = try await allocate.callInGuest(arguments)
        guard case .i32(let address)? = results.first, address != 0 || count == 0 else {
            throw GuestFailure(SandboxError.allocationFailed(bytes: count))
        }
        return UInt32(bitPattern: address)
    }

    /// Gives them back, if the guest has a function for that.
    nonisolated(nonsending) func release(_ address: UInt32, _ count: Int) async throws {
        guard let release else { return }
        let place = Value.i32(Int32(bitPattern: address))
        let takesSize = release.type.parameters.count == 2
        _ = try await release.callInGuest(
            takesSize ? [place, .i32(Int32(truncatingIfNeeded: count))] : [place])
    }
}

internal import Apus

/// The allocator that a guest exports for its host. What is called is found by name, in this order:
/// `cabi_realloc`, `malloc`, `allocate`, `alloc`; and to free `free`, `deallocate`, `dealloc`.
///
/// Addresses and sizes are i32, or i64 in a guest with a memory of 64 bits.
struct GuestAllocator {
    private let allocate: Function
    private let release: Function?

    /// nil: the guest has none.
    init?(of instance: Instance) throws {
        guard
            let allocate = try Self.first(
                of: ["cabi_realloc", "malloc", "allocate", "alloc"], in: instance,
                where: { $0.results == [$0.parameters[0]] && [1, 4].contains($0.parameters.count) })
        else { return nil }
        self.allocate = allocate
        release = try Self.first(
            of: ["free", "deallocate", "dealloc"], in: instance,
            where: { $0.results.isEmpty && [1, 2].contains($0.parameters.count) })
    }

    /// The first whose parameters are all of one type of addresses.
    private static func first(
        of names: [String], in instance: Instance, where fits: (FunctionType) -> Bool
    ) throws -> Function? {
        for name in names {
            guard case .function(let function)? = try instance.export(name),
                let type = function.type.parameters.first, type == .i32 || type == .i64,
                function.type.parameters.allSatisfy({ $0 == type }), fits(function.type)
            else { continue }
            return function
        }
        return nil
    }

    /// The address of `count` bytes that nobody else has.
    nonisolated(nonsending) func allocate(_ count: Int) async throws -> UInt64 {
        let size = try Self.value(UInt64(count), for: allocate, bytes: count)
        let zero = try Self.value(0, for: allocate, bytes: count)
        let alignment = try Self.value(1, for: allocate, bytes: count)
        let arguments =
            allocate.type.parameters.count == 4 ? [zero, zero, alignment, size] : [size]
        let results = try await allocate.callInGuest(arguments)
        let address: UInt64? =
            switch results.first {
            case .i32(let address)?: UInt64(UInt32(bitPattern: address))
            case .i64(let address)?: UInt64(bitPattern: address)
            default: nil
            }
        guard let address, address != 0 || count == 0 else {
            throw GuestFailure(SandboxError.allocationFailed(bytes: count))
        }
        return address
    }

    /// Gives them back, if the guest has a function for that.
    nonisolated(nonsending) func release(_ address: UInt64, _ count: Int) async throws {
        guard let release else { return }
        let place = try Self.value(address, for: release, bytes: count)
        let takesSize = release.type.parameters.count == 2
        let size = try Self.value(UInt64(count), for: release, bytes: count)
        _ = try await release.callInGuest(takesSize ? [place, size] : [place])
    }

    /// A size or address as `function` takes it, if there can be one of `bytes` bytes.
    private static func value(
        _ number: UInt64, for function: Function, bytes: Int
    ) throws -> Value {
        if function.type.parameters.first == .i64 { return .i64(Int64(bitPattern: number)) }
        guard let number = UInt32(exactly: number) else {
            throw GuestFailure(SandboxError.allocationFailed(bytes: bytes))
        }
        return .i32(Int32(bitPattern: number))
    }
}

public import Apus

/// The allocator that a guest exports for its host: room for texts, bytes and values in the guest's
/// memory, which functions of the guest find by address and count.
/// ```swift
/// let allocator = try GuestAllocator(of: instance)
/// let name = try allocator.allocate(utf8: "Ada")
/// print(try instance.function("greet").call(name.values))
/// try allocator.release(name)
/// ```
/// What is called is found by name, in this order: `cabi_realloc`, `malloc`, `allocate`, `alloc`;
/// and to free `free`, `deallocate`, `dealloc`. Addresses and sizes are i32, or i64 in a guest with
/// a memory of 64 bits. What is put there goes into what the guest exports as "memory".
public struct GuestAllocator {
    private let instance: Instance
    private let allocator: Function
    private let releaser: Function?

    /// Bytes of the guest's memory that its allocator has given.
    public struct Allocation: Hashable, Sendable {
        /// Where they are.
        public let address: UInt64
        /// How many there are.
        public let count: Int
        private let isWide: Bool

        init(_ address: UInt64, _ count: Int, isWide: Bool) {
            self.address = address
            self.count = count
            self.isWide = isWide
        }

        /// The address and the count as the guest's functions take them: two i32, or two i64 in a
        /// guest with a memory of 64 bits.
        public var values: [Value] {
            [address, UInt64(count)].map { number in
                isWide
                    ? .i64(Int64(bitPattern: number)) : .i32(Int32(truncatingIfNeeded: number))
            }
        }
    }

    /// The allocator of `instance`.
    ///
    /// - Throws: `SandboxError.noAllocator` if it exports none; `InitializationError` if it is not
    ///   initialized.
    public init(of instance: Instance) throws {
        guard let found = try Self.find(in: instance) else { throw SandboxError.noAllocator }
        self = found
    }

    /// nil: the guest has none.
    static func find(in instance: Instance) throws -> GuestAllocator? {
        let allocator = try first(
            of: ["cabi_realloc", "malloc", "allocate", "alloc"], in: instance,
            where: { $0.results == [$0.parameters[0]] && [1, 4].contains($0.parameters.count) })
        guard let allocator else { return nil }
        let releaser = try first(
            of: ["free", "deallocate", "dealloc"], in: instance,
            where: { $0.results.isEmpty && [1, 2].contains($0.parameters.count) })
        return GuestAllocator(instance, allocator, releaser)
    }

    private init(_ instance: Instance, _ allocator: Function, _ releaser: Function?) {
        self.instance = instance
        self.allocator = allocator
        self.releaser = releaser
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

    // MARK: Allocating

    /// Has the guest find room for `count` bytes, which hold anything.
    ///
    /// - Throws: `SandboxError.allocationFailed` if it has none, or `count` is no size of its; what
    ///   `Function.call(_:)` throws.
    public func allocate(count: Int) throws -> Allocation {
        try allocation(allocator.call(arguments(for: count)), count)
    }

    /// Has the guest find room for `bytes`, and writes them there.
    ///
    /// - Throws: as `allocate(count:)`; `ExportError` if the guest exports no memory; `MemoryError`
    ///   if what it gives is not in that.
    public func allocate(_ bytes: [UInt8]) throws -> Allocation {
        let memory = try instance.memory
        let allocation = try allocate(count: bytes.count)
        try memory.write(bytes, at: allocation.address)
        return allocation
    }

    /// Has the guest find room for `text` in UTF-8, and writes it there, without a zero at its end.
    /// Throws as `allocate(_:)`.
    public func allocate(utf8 text: String) throws -> Allocation { try allocate(Array(text.utf8)) }

    /// Has the guest find room for `value` as `coder` encodes it, and writes it there. Throws as
    /// `allocate(_:)`, and what `coder` throws.
    public func allocate(
        _ value: some Encodable, coder: some SandboxCoder
    ) throws -> Allocation {
        try allocate(coder.encode(value))
    }

    /// Gives `allocation` back, if the guest has a function for that. It must not be used after.
    ///
    /// - Throws: `SandboxError.allocationFailed` if it is none that this guest can have given; what
    ///   `Function.call(_:)` throws.
    public func release(_ allocation: Allocation) throws {
        guard let releaser else { return }
        _ = try releaser.call(arguments(toRelease: allocation, releaser))
    }

    // MARK: Asynchronous calls

    /// The same as `allocate(count:)` in an asynchronous call of the guest.
    ///
    /// - Throws: `SandboxError.allocationFailed` as that; what `Function.callAsync(_:)` throws.
    public nonisolated(nonsending) func allocateAsync(count: Int) async throws -> Allocation {
        try await allocation(allocator.callAsync(arguments(for: count)), count)
    }

    /// The same as `allocate(_:)` in an asynchronous call of the guest.
    ///
    /// - Throws: as `allocateAsync(count:)`; `ExportError` if the guest exports no memory;
    ///   `MemoryError` if what it gives is not in that.
    public nonisolated(nonsending) func allocateAsync(_ bytes: [UInt8]) async throws -> Allocation {
        let memory = try instance.memory
        let allocation = try await allocateAsync(count: bytes.count)
        try memory.write(bytes, at: allocation.address)
        return allocation
    }

    /// The same as `allocate(utf8:)` in an asynchronous call of the guest. Throws as
    /// `allocateAsync(_:)`.
    public nonisolated(nonsending) func allocateAsync(
        utf8 text: String
    ) async throws -> Allocation {
        try await allocateAsync(Array(text.utf8))
    }

    /// The same as `allocate(_:coder:)` in an asynchronous call of the guest. Throws as
    /// `allocateAsync(_:)`, and what `coder` throws.
    public nonisolated(nonsending) func allocateAsync(
        _ value: some Encodable, coder: some SandboxCoder
    ) async throws -> Allocation {
        try await allocateAsync(coder.encode(value))
    }

    /// The same as `release(_:)` in an asynchronous call of the guest.
    ///
    /// - Throws: `SandboxError.allocationFailed` as that; what `Function.callAsync(_:)` throws.
    public nonisolated(nonsending) func releaseAsync(_ allocation: Allocation) async throws {
        guard let releaser else { return }
        _ = try await releaser.callAsync(arguments(toRelease: allocation, releaser))
    }

    // MARK: Arguments and results

    private func arguments(for count: Int) throws -> [Value] {
        let size = try Self.value(UInt64(clamping: count), for: allocator, bytes: count)
        guard allocator.type.parameters.count == 4 else { return [size] }
        let zero = try Self.value(0, for: allocator, bytes: count)
        return [zero, zero, try Self.value(1, for: allocator, bytes: count), size]
    }

    /// What the allocator has given for `count` bytes.
    private func allocation(_ results: [Value], _ count: Int) throws -> Allocation {
        let address: UInt64? =
            switch results.first {
            case .i32(let address)?: UInt64(UInt32(bitPattern: address))
            case .i64(let address)?: UInt64(bitPattern: address)
            default: nil
            }
        guard let address, address != 0 || count == 0 else {
            throw SandboxError.allocationFailed(bytes: count)
        }
        return allocation(at: address, count)
    }

    /// Bytes that the guest itself has allocated.
    func allocation(at address: UInt64, _ count: Int) -> Allocation {
        Allocation(address, count, isWide: allocator.type.parameters.first == .i64)
    }

    private func arguments(
        toRelease allocation: Allocation, _ releaser: Function
    ) throws -> [Value] {
        let numbers = [allocation.address, UInt64(allocation.count)]
        return try numbers.prefix(releaser.type.parameters.count).map { number in
            try Self.value(number, for: releaser, bytes: allocation.count)
        }
    }

    /// A size or address as `function` takes it, if there can be one of `bytes` bytes.
    private static func value(
        _ number: UInt64, for function: Function, bytes: Int
    ) throws -> Value {
        guard bytes >= 0 else { throw SandboxError.allocationFailed(bytes: bytes) }
        if function.type.parameters.first == .i64 { return .i64(Int64(bitPattern: number)) }
        guard let number = UInt32(exactly: number) else {
            throw SandboxError.allocationFailed(bytes: bytes)
        }
        return .i32(Int32(bitPattern: number))
    }
}

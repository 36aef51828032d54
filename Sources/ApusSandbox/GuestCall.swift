@_spi(ApusCLI) internal import Apus

/// One call of a guest's function with values of Swift's.
struct GuestCall {
    private let name: String
    private let function: Function
    private let instance: Instance
    /// What was allocated for the arguments.
    private var pieces: [GuestAllocator.Allocation] = []

    /// What the result is to become.
    enum Wanted {
        case nothing
        case bytes
        case number(isUnsigned: Bool)
    }

    init(_ name: String, of instance: Instance) throws {
        self.name = name
        self.instance = instance
        function = try instance.function(name)
    }

    /// Calls the function and returns its result; nil if it has none, or none is wanted. What
    /// fails in the guest is a `GuestFailure`.
    mutating nonisolated(nonsending) func call(
        _ arguments: [SandboxData], _ wanted: Wanted
    ) async throws -> SandboxData? {
        let count = function.type.results.count
        if case .number = wanted, count > 1 {
            throw SandboxError.result(function: name, reason: "there are \(count) of them")
        }
        do {
            let values = try await lower(arguments)
            let results = try await function.callInGuest(values)
            let result: SandboxData? =
                switch wanted {
                case .nothing: nil
                case .bytes: .bytes(try await bytes(results))
                case .number(let isUnsigned): try number(results, isUnsigned)
                }
            try await releasePieces()
            return result
        } catch let failure as GuestFailure {
            throw failure
        } catch {
            // The guest is called again after that.
            try await releasePieces()
            throw error
        }
    }

    private mutating nonisolated(nonsending) func releasePieces() async throws {
        guard !pieces.isEmpty, let allocator = try GuestAllocator.find(in: instance) else { return }
        let allocated = pieces
        pieces = []
        try await inGuestAsync {
            for piece in allocated { try await allocator.releaseAsync(piece) }
        }
    }

    // MARK: In

    private mutating nonisolated(nonsending) func lower(
        _ arguments: [SandboxData]
    ) async throws -> [Value] {
        let types = function.type.parameters
        let wanted = arguments.reduce(0) { count, argument in
            if case .bytes = argument { count + 2 } else { count + 1 }
        }
        guard wanted == types.count else {
            throw SandboxError.argument(
                function: name, position: arguments.count,
                reason: "\(wanted) values do not fit \(types.count) parameters")
        }
        var values: [Value] = []
        var texts: [(index: Int, position: Int, bytes: [UInt8])] = []
        for (position, argument) in arguments.enumerated() {
            switch argument {
            case .bytes(let bytes):
                // The guest has to do nothing before all of them fit.
                texts.append((values.count, position, bytes))
                for number in [0, Int128(bytes.count)] {
                    values.append(try integer(number, types[values.count], position))
                }
            case .integer(let number):
                values.append(try integer(number, types[values.count], position))
            case .number(let number):
                switch types[values.count] {
                case .f32: values.append(.f32(Float(number)))
                case .f64: values.append(.f64(number))
                case let type: throw mismatch(position, type)
                }
            }
        }
        for (index, position, bytes) in texts {
            values[index] = try integer(
                Int128(try await store(bytes)), types[index], position)
        }
        return values
    }

    private func integer(_ number: Int128, _ type: ValueType, _ position: Int) throws -> Value {
        // Signed or unsigned: guests do not tell.
        switch type {
        case .i64 where number >= Int128(Int64.min) && number <= Int128(UInt64.max):
            return .i64(Int64(truncatingIfNeeded: number))
        case .i32 where number >= Int128(Int32.min) && number <= Int128(UInt32.max):
            return .i32(Int32(truncatingIfNeeded: number))
        case .i32, .i64:
            throw SandboxError.argument(
                function: name, position: position,
                reason: "\(number) has more than \(type == .i32 ? 32 : 64) bits")
        case .f64 where Int128(exactly: Double(number)) == number: return .f64(Double(number))
        case .f32 where Int128(exactly: Float(number)) == number: return .f32(Float(number))
        default: throw mismatch(position, type)
        }
    }

    private func words(_ type: ValueType) -> String {
        type.description(in: instance.store.engine)
    }

    private func mismatch(_ position: Int, _ type: ValueType) -> SandboxError {
        .argument(function: name, position: position, reason: "the parameter is a \(words(type))")
    }

    private mutating nonisolated(nonsending) func store(_ bytes: [UInt8]) async throws -> UInt64 {
        let allocator = try GuestAllocator(of: instance)
        // What the guest lacks is not its failure.
        _ = try instance.memory
        let piece = try await inGuestAsync { try await allocator.allocateAsync(bytes) }
        pieces.append(piece)
        return piece.address
    }

    // MARK: Out

    private func number(_ results: [Value], _ isUnsigned: Bool) throws -> SandboxData? {
        switch results.first {
        case nil: return nil
        case .i32(let value) where isUnsigned: return .integer(Int128(UInt32(bitPattern: value)))
        case .i64(let value) where isUnsigned: return .integer(Int128(UInt64(bitPattern: value)))
        case .i32(let value): return .integer(Int128(value))
        case .i64(let value): return .integer(Int128(value))
        case .f32(let value): return .number(Double(value))
        case .f64(let value): return .number(value)
        case .some:
            // A value knows less of its type than the function.
            throw SandboxError.result(
                function: name, reason: "it is a \(words(function.type.results[0]))")
        }
    }

    /// What a function gives as its result is freed, unless it is part of an argument, all of which
    /// is freed anyway.
    private nonisolated(nonsending) func bytes(_ results: [Value]) async throws -> [UInt8] {
        let address: UInt64
        let count: UInt64
        switch (results.first, results.dropFirst().first, results.count) {
        case (.i64(let both)?, nil, 1):
            address = UInt64(UInt32(truncatingIfNeeded: both >> 32))
            count = UInt64(UInt32(truncatingIfNeeded: both))
        case (.i32(let start)?, .i32(let length)?, 2):
            address = UInt64(UInt32(bitPattern: start))
            count = UInt64(UInt32(bitPattern: length))
        case (.i64(let start)?, .i64(let length)?, 2):
            address = UInt64(bitPattern: start)
            count = UInt64(bitPattern: length)
        default:
            throw SandboxError.result(
                function: name, reason: "bytes come as one i64, or as two i32 or i64")
        }
        let memory = try instance.memory
        let bytes = try inGuest { try memory.read(at: address, count: count) }
        let isArgument = pieces.contains { piece in
            piece.address == address || address &- piece.address < UInt64(piece.count)
        }
        if isArgument { return bytes }
        if let allocator = try GuestAllocator.find(in: instance) {
            let piece = allocator.allocation(at: address, bytes.count)
            try await inGuestAsync { try await allocator.releaseAsync(piece) }
        }
        return bytes
    }
}

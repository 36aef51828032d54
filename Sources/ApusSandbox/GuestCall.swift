internal import Apus

/// One call of a guest's function with values of Swift's.
struct GuestCall {
    private let name: String
    private let function: Function
    private let instance: Instance
    /// What was allocated for the arguments.
    private var pieces: [(address: UInt32, count: Int)] = []

    init(_ name: String, of instance: Instance) throws {
        self.name = name
        self.instance = instance
        function = try instance.function(name)
    }

    /// Calls the function and returns its result; nil if it has none, or none is wanted.
    mutating nonisolated(nonsending) func call(
        _ arguments: [SandboxData], bytes isBytes: Bool
    ) async throws -> SandboxData? {
        let values = try await lower(arguments)
        let results = try await function.callAsync(values)
        let result = try await lift(results, bytes: isBytes)
        if !pieces.isEmpty, let allocator = try GuestAllocator(of: instance) {
            for piece in pieces { try await allocator.release(piece.address, piece.count) }
        }
        return result
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
        for (position, argument) in arguments.enumerated() {
            switch argument {
            case .bytes(let bytes):
                let address = try await store(bytes)
                for number in [Int64(address), Int64(bytes.count)] {
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
        return values
    }

    private func integer(_ number: Int64, _ type: ValueType, _ position: Int) throws -> Value {
        switch type {
        case .i64: return .i64(number)
        case .i32:
            // Signed or unsigned: guests do not tell.
            guard number >= Int64(Int32.min), number <= Int64(UInt32.max) else {
                throw SandboxError.argument(
                    function: name, position: position, reason: "\(number) has more than 32 bits")
            }
            return .i32(Int32(truncatingIfNeeded: number))
        case .f64 where Int64(exactly: Double(number)) == number: return .f64(Double(number))
        case .f32 where Int64(exactly: Float(number)) == number: return .f32(Float(number))
        default: throw mismatch(position, type)
        }
    }

    private func mismatch(_ position: Int, _ type: ValueType) -> SandboxError {
        .argument(function: name, position: position, reason: "the parameter is a \(type)")
    }

    private mutating nonisolated(nonsending) func store(_ bytes: [UInt8]) async throws -> UInt32 {
        guard let allocator = try GuestAllocator(of: instance) else {
            throw SandboxError.noAllocator
        }
        let address = try await allocator.allocate(bytes.count)
        pieces.append((address, bytes.count))
        try instance.memory.write(bytes, at: address)
        return address
    }

    // MARK: Out

    private nonisolated(nonsending) func lift(
        _ results: [Value], bytes isBytes: Bool
    ) async throws -> SandboxData? {
        if isBytes { return .bytes(try await bytes(results)) }
        switch results.first {
        case nil: return nil
        case .i32(let value): return .integer(Int64(value))
        case .i64(let value): return .integer(value)
        case .f32(let value): return .number(Double(value))
        case .f64(let value): return .number(value)
        case let value?:
            throw SandboxError.result(function: name, reason: "it is a \(value.type)")
        }
    }

    private nonisolated(nonsending) func bytes(_ results: [Value]) async throws -> [UInt8] {
        let address: UInt32
        let count: UInt32
        switch (results.first, results.dropFirst().first) {
        case (.i64(let both)?, nil):
            address = UInt32(truncatingIfNeeded: both >> 32)
            count = UInt32(truncatingIfNeeded: both)
        case (.i32(let start)?, .i32(let length)?):
            address = UInt32(bitPattern: start)
            count = UInt32(bitPattern: length)
        default:
            throw SandboxError.result(
                function: name, reason: "bytes come as one i64 or as two i32")
        }
        let bytes = try instance.memory.read(at: address, count: count)
        if let allocator = try GuestAllocator(of: instance) {
            try await allocator.release(address, bytes.count)
        }
        return bytes
    }
}

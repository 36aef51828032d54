public import ApusFormat

/// How host and wasm lay out, in memory, what they pass to each other (`docs/abi.md`).
public enum ArgumentLayout: Hashable, Sendable {
    /// Cells of 8 bytes, 16 for a v128: the parameters, over which the results are written.
    case cells
    /// A cell for the result, and after it the parameters as a tuple of Swift's has them: numbers
    /// of 4 and 8 bytes, in order, each aligned to its size. So nothing need be converted.
    case packed

    /// Whether functions of `type` can be called so.
    public func fits(_ type: FunctionType) -> Bool {
        switch self {
        case .cells: true
        case .packed:
            Self.cellBytes(type.results) <= 8 && type.parameters.allSatisfy(Self.isNumber)
        }
    }

    /// The layout that does the same for functions of `type` as this one: without parameters both
    /// are the same.
    public func simplified(for type: FunctionType) -> ArgumentLayout {
        type.parameters.isEmpty ? .cells : self
    }

    /// Offset of each parameter from the first cell.
    public func parameterOffsets(_ type: FunctionType) -> [Int32] {
        switch self {
        case .cells: Self.cellOffsets(type.parameters)
        case .packed: Self.packedOffsets(type.parameters).offsets
        }
    }

    /// Bytes of all of it.
    public func bytes(_ type: FunctionType) -> Int32 {
        switch self {
        case .cells:
            max(
                Self.cellBytes(type.parameters),
                Self.cellBytes(type.results))
        case .packed: Self.packedOffsets(type.parameters).end
        }
    }

    /// Offset of each value in cells, in order.
    public static func cellOffsets(_ types: [ValueType]) -> [Int32] {
        var next: Int32 = 0
        return types.map { type in
            defer { next += type == .v128 ? 16 : 8 }
            return next
        }
    }

    /// Bytes of the cells for values of `types`.
    public static func cellBytes(_ types: [ValueType]) -> Int32 {
        types.reduce(0) { $0 + ($1 == .v128 ? 16 : 8) }
    }

    private static func isNumber(_ type: ValueType) -> Bool {
        type == .i32 || type == .i64 || type == .f32 || type == .f64
    }

    private static func packedOffsets(_ types: [ValueType]) -> (offsets: [Int32], end: Int32) {
        var next: Int32 = 8
        let offsets = types.map { type in
            let size: Int32 = type == .i32 || type == .f32 ? 4 : 8
            next = (next + size - 1) & ~(size - 1)
            defer { next += size }
            return next
        }
        return (offsets, next)
    }
}

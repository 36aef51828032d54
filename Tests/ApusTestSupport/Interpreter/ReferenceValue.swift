internal import ApusCollections
public import ApusFormat

/// A value as the outside sees it. Specification: 4.2.2 “Values”.
public enum ReferenceValue: Hashable, Sendable {
    case i32(UInt32)
    case i64(UInt64)
    /// The bits of a float, so that NaNs can be told apart.
    case f32(UInt32)
    case f64(UInt64)
    /// The two halves of a vector.
    case v128(low: UInt64, high: UInt64)
    /// The address of a function in the store; nil is null.
    case function(Int?)
    /// A number that stands for some object of the host; nil is null.
    case extern(UInt32?)
    /// The number of an exception in the store; nil is null.
    case exception(Int?)
    /// A reference of the hierarchy of `any`; nil is null.
    case any(ReferenceReferent?)
    /// Such a reference as one of the type `extern`.
    case externalized(ReferenceReferent)

    /// The same value with every NaN made the canonical one: the specification leaves open which
    /// NaN arithmetic gives (4.3.3).
    public var canonical: ReferenceValue {
        switch self {
        case .f32(let bits) where Float(bitPattern: bits).isNaN: .f32(0x7FC0_0000)
        case .f64(let bits) where Double(bitPattern: bits).isNaN: .f64(0x7FF8_0000_0000_0000)
        default: self
        }
    }

    /// The value as the machine's stack holds it: numbers as their bits, references as one more
    /// than what they name, null as 0.
    var cell: ModelVector {
        switch self {
        case .i32(let bits), .f32(let bits): ModelVector(low: UInt64(bits))
        case .i64(let bits), .f64(let bits): ModelVector(low: bits)
        case .v128(let low, let high): ModelVector(low: low, high: high)
        case .function(let address): ModelVector(low: address.map { UInt64($0) + 1 } ?? 0)
        case .extern(let number): ModelVector(low: number.map { UInt64($0) + 1 } ?? 0)
        case .exception(let number): ModelVector(low: number.map { UInt64($0) + 1 } ?? 0)
        case .any(.host(let number)): ModelVector(low: UInt64(number) + 1)
        case .any(.i31(let value)): ModelVector(low: ReferenceStore.smallInteger(value))
        // Objects cannot be handed in.
        case .any, .externalized: ModelVector()
        }
    }

    /// A number or a vector.
    init(cell: ModelVector, type: ValueType) {
        let bits = cell.low
        switch type {
        case .i32: self = .i32(UInt32(truncatingIfNeeded: bits))
        case .i64: self = .i64(bits)
        case .f32: self = .f32(UInt32(truncatingIfNeeded: bits))
        case .f64: self = .f64(bits)
        default: self = .v128(low: bits, high: cell.high)
        }
    }

    /// A number, or a vector whose upper half is 0.
    init(bits: UInt64, type: ValueType) { self.init(cell: ModelVector(low: bits), type: type) }

    /// Whether the value has this type.
    public func has(_ type: ValueType) -> Bool {
        switch self {
        case .i32: type == .i32
        case .i64: type == .i64
        case .f32: type == .f32
        case .f64: type == .f64
        case .v128: type == .v128
        case .function: type.isReference && type.heapType != .extern && !type.isException
        case .extern, .externalized: type.isReference && type.heapType == .extern
        case .exception: type.isException
        case .any:
            type.isReference && type.heapType != .func && type.heapType != .extern
                && !type.isException
        }
    }
}

extension ValueType {
    /// Whether the type is of references to exceptions.
    fileprivate var isException: Bool {
        isReference && (heapType == .exn || heapType == .noexn)
    }
}

extension ReferenceValue: CustomStringConvertible {
    public var description: String {
        switch self {
        case .i32(let bits): "i32:\(Int32(bitPattern: bits))"
        case .i64(let bits): "i64:\(Int64(bitPattern: bits))"
        case .f32(let bits): "f32:\(Float(bitPattern: bits))(0x\(String(bits, radix: 16)))"
        case .f64(let bits): "f64:\(Double(bitPattern: bits))(0x\(String(bits, radix: 16)))"
        case .v128(let low, let high):
            "v128:0x\(String(high, radix: 16)),0x\(String(low, radix: 16))"
        case .function(let address): "func:\(address.map(String.init) ?? "null")"
        case .extern(let number): "extern:\(number.map { String($0) } ?? "null")"
        case .exception(let number): "exception:\(number.map { String($0) } ?? "null")"
        case .any(let referent): "any:\(referent.map { "\($0)" } ?? "null")"
        case .externalized(let referent): "extern:\(referent)"
        }
    }
}

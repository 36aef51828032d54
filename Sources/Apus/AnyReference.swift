internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// What guests know as `anyref`, without null: references to all but functions and exceptions.
public enum AnyReference {
    /// An integer of 31 bits, with its sign: an `i31ref`. The uppermost bit of others is lost.
    case integer(Int32)
    /// A structure in a store's heap.
    case structure(Structure)
    /// An array in a store's heap.
    case array(ArrayObject)
    /// A value of the host that a guest has converted, or that the host passes as such.
    case external(ExternReference)
}

extension AnyReference {
    /// The reference whose bits in a store are `bits`, which are not those of null.
    init(_ bits: UInt64, in store: Store) throws {
        let runtime = try store.runtime
        if bits & UInt64(ObjectLayout.integerBit) != 0 {
            self = .integer(Int32(truncatingIfNeeded: bits) >> 1)
        } else if let value = runtime.external(bits) {
            self = .external(ExternReference(value))
        } else if bits & UInt64(ObjectLayout.tagMask) != 0 {
            // The handle of a host object that has been let go of, which is no address.
            throw ResourceError(.reference, requested: 1)
        } else {
            let held = try HeldObject(bits, in: store)
            self =
                held.kind == .array
                ? .array(ArrayObject(held: held)) : .structure(Structure(held: held))
        }
    }

    /// Its bits in a store.
    func bits(in store: Store) throws -> UInt64 {
        switch self {
        case .integer(let value):
            UInt64(UInt32(bitPattern: value) << 1) | UInt64(ObjectLayout.integerBit)
        case .structure(let structure): try structure.held.bits(in: store)
        case .array(let array): try array.held.bits(in: store)
        case .external(let reference):
            try ExternReference?.some(reference).cell(store)
        }
    }

    /// Whether it may be where a value of `type` is expected.
    func matches(_ type: ValueType) -> Bool {
        switch self {
        case .integer: type.isReference && HeapType.i31.matches(type.heapType, in: TypeNumbers())
        case .structure(let structure): structure.held.matches(type)
        case .array(let array): array.held.matches(type)
        case .external: type.isReference && type.heapType == .any
        }
    }
}

extension AnyReference: WasmReference {
    public static var nullableConversion: WasmConversion<AnyReference?> {
        WasmConversion(
            .reference(.any, nullable: true),
            read: { bits, store in bits == 0 ? nil : try AnyReference(bits, in: store()) },
            write: { reference, store in try reference?.bits(in: store()) ?? 0 })
    }
}

extension AnyReference: CustomStringConvertible {
    public var description: String {
        switch self {
        case .integer(let value): "i31(\(value))"
        case .structure: "structure"
        case .array(let array): "array of \(array.count)"
        case .external: "external"
        }
    }
}

@_spi(ApusC) internal import Apus
internal import CApusC

// SAFETY: in a `wasm_val_t` that its owner has filled, `of` holds what `kind` says; a reference is
// a handle, which is looked at before it is used. All members of the union begin at its start.
extension wasm_val_t {
    private static var half: UInt64 { 0xFFFF_FFFF }

    /// Whether numbers of this kind have 32 bits.
    @inline(__always)
    private static func isHalf(_ kind: wasm_valkind_t) -> Bool { kind & 1 == 0 }

    /// The bits of a number: those above it are zero.
    @inline(__always)
    var number: UInt64 {
        let bits = UInt64(bitPattern: unsafe of.i64)
        return unsafe Self.isHalf(kind) ? bits & Self.half : bits
    }

    /// A number with these bits.
    @inline(__always)
    init(number bits: UInt64, _ kind: wasm_valkind_t) {
        unsafe self.init()
        unsafe self.kind = kind
        unsafe of.i64 = Int64(bitPattern: Self.isHalf(kind) ? bits & Self.half : bits)
    }

    /// A value of the caller's.
    init(_ value: Value, in store: StoreObject) throws {
        let kind = value.type.valueKind
        if case .v128 = value { throw VectorError() }
        if !wasm_valkind_is_ref(kind) {
            try unsafe self.init(number: value.bits(in: store.store).0, kind)
            return
        }
        unsafe self.init()
        unsafe self.kind = kind
        unsafe of.ref = unsafe Handle.make(reference: store.referent(value))
    }

    /// The value, which must be one of `type`. `caller` is the function of the API that has it.
    func value(of type: ValueType, in store: StoreObject, _ caller: StaticString) throws -> Value {
        let kind = unsafe kind
        if type.isReference, wasm_valkind_is_ref(kind) {
            return try unsafe Self.value(of.ref, of: type, in: store, caller)
        }
        guard kind == type.valueKind, type != .v128 else {
            let found = ValueType(kind: kind).map { [$0] } ?? []
            throw TypeError(expected: [type], found: found, place: Misuse.name(caller))
        }
        return try Value((unsafe number, 0), of: type, in: store.store)
    }

    /// The value of `type` that a reference is; NULL is null.
    static func value(
        _ reference: OpaquePointer?, of type: ValueType, in store: StoreObject,
        _ caller: StaticString
    ) throws -> Value {
        if let referent = unsafe Handle.reference(reference, caller) {
            return try referent.value(of: type)
        }
        guard let null = Value.zero(type) else {
            throw TypeError(expected: [type], found: [], place: Misuse.name(caller))
        }
        return null
    }
}

extension Handle {
    /// A handle for a reference; NULL for null.
    static func make(reference: Referent?) -> OpaquePointer? {
        unsafe reference.map { unsafe make($0) }
    }
}

@_spi(ApusC) internal import Apus
internal import CApusC

extension wasm_val_t {
    private static var half: UInt64 { 0xFFFF_FFFF }

    /// Whether numbers of this kind have 32 bits.
    @inline(__always)
    private static func isHalf(_ kind: wasm_valkind_t) -> Bool { kind & 1 == 0 }

    /// The bits of a number: those above it are zero.
    @inline(__always)
    var number: UInt64 {
        // SAFETY: all members of the union begin at its start and are 8 bytes at most, and all
        // bytes of it are set, by C or by the initialisers here.
        let bits = UInt64(bitPattern: unsafe of.i64)
        return unsafe Self.isHalf(kind) ? bits & Self.half : bits
    }

    /// A number with these bits.
    @inline(__always)
    init(number bits: UInt64, _ kind: wasm_valkind_t) {
        // SAFETY: a zero value is one of the union; the number's bits are put where `kind` says
        // they are.
        unsafe self.init()
        unsafe self.kind = kind
        unsafe of.i64 = Int64(bitPattern: Self.isHalf(kind) ? bits & Self.half : bits)
    }

    /// A value of the caller's.
    init(_ value: Value, in store: StoreObject) throws {
        let kind = value.type.valueKind
        if case .v128 = value { throw VectorError() }
        if !wasm_valkind_is_ref(kind) {
            // SAFETY: a zero value is one of the union; a reference is a handle that the caller
            // owns from here on.
            try unsafe self.init(number: value.bits(in: store.store).0, kind)
            return
        }
        unsafe self.init()
        unsafe self.kind = kind
        unsafe of.ref = unsafe Handle.make(reference: store.referent(value))
    }

    /// The value, which must be one of `type`. `caller` is the function of the API that has it.
    func value(of type: ValueType, in store: StoreObject, _ caller: StaticString) throws -> Value {
        // SAFETY: `kind` says which member was set, as `wasm.h` asks of the caller; a reference is
        // looked at by `Handle` before it is used.
        let kind = unsafe kind
        if type.isReference, wasm_valkind_is_ref(kind) {
            return try unsafe Self.value(of.ref, of: type, caller)
        }
        if type == .v128 { throw VectorError() }
        guard kind == type.valueKind else {
            let found = ValueType(kind: kind).map { [$0] } ?? []
            throw TypeError(expected: [type], found: found, place: Misuse.name(caller))
        }
        return try Value((unsafe number, 0), of: type, in: store.store)
    }

    /// The value of `type` that a reference is; NULL is null.
    static func value(
        _ reference: OpaquePointer?, of type: ValueType, _ caller: StaticString
    ) throws -> Value {
        // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
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
        // SAFETY: `Handle.make` makes what the caller owns from here on.
        unsafe reference.map { unsafe make($0) }
    }
}

internal import Apus
public import CApusC

/// The type of a value.
final class ValueTypeObject: HandleObject {
    static var kind: UInt32 { apus_kind_valtype.rawValue }

    let type: ValueType

    init(_ type: ValueType) { self.type = type }
}

extension ValueType {
    /// What the API calls it. Of references to one type it says which kind they are of.
    var valueKind: wasm_valkind_t {
        switch self {
        case .i32: wasm_valkind_t(WASM_I32.rawValue)
        case .i64: wasm_valkind_t(WASM_I64.rawValue)
        case .f32: wasm_valkind_t(WASM_F32.rawValue)
        case .f64: wasm_valkind_t(WASM_F64.rawValue)
        case .v128: wasm_valkind_t(APUS_V128.rawValue)
        default: referenceKind
        }
    }

    private var referenceKind: wasm_valkind_t {
        switch Value.zero(.reference(heapType, nullable: true)) {
        case .function: wasm_valkind_t(WASM_FUNCREF.rawValue)
        case .external: wasm_valkind_t(WASM_EXTERNREF.rawValue)
        case .exception: wasm_valkind_t(APUS_EXNREF.rawValue)
        default: wasm_valkind_t(APUS_ANYREF.rawValue)
        }
    }

    /// The type that the API calls `kind`; nil if there is none.
    init?(kind: wasm_valkind_t) {
        switch UInt32(kind) {
        case WASM_I32.rawValue: self = .i32
        case WASM_I64.rawValue: self = .i64
        case WASM_F32.rawValue: self = .f32
        case WASM_F64.rawValue: self = .f64
        case APUS_V128.rawValue: self = .v128
        case WASM_EXTERNREF.rawValue: self = .externref
        case WASM_FUNCREF.rawValue: self = .funcref
        case APUS_ANYREF.rawValue: self = .reference(.any, nullable: true)
        case APUS_EXNREF.rawValue: self = .exnref
        default: return nil
        }
    }
}

extension wasm_valtype_vec_t {
    /// A vector of its own.
    init(_ types: [ValueType]) {
        // SAFETY: the vector gets room for as many handles as there are types, each of which is
        // written.
        unsafe self.init()
        unsafe wasm_valtype_vec_new_uninitialized(&self, types.count)
        for (index, type) in types.enumerated() {
            unsafe data[index] = unsafe Handle.make(ValueTypeObject(type))
        }
    }

    /// The types in it.
    func types(_ caller: StaticString) -> [ValueType] {
        // SAFETY: there are `size` handles at `data`, as `wasm.h` asks of the caller; `Handle`
        // looks at the mark of each.
        var types: [ValueType] = []
        unsafe checkElements(data, size, caller)
        for index in 0..<(unsafe size) {
            types.append(unsafe Handle.borrow(data[index], as: ValueTypeObject.self, caller).type)
        }
        return types
    }
}

@c @implementation
public func wasm_valtype_new(_ kind: wasm_valkind_t) -> OpaquePointer? {
    guard let type = ValueType(kind: kind) else {
        LastError.note(APUS_ERROR_TYPE, "there is no type of values of kind \(kind)")
        return nil
    }
    // SAFETY: `Handle.make` makes what the caller owns from here on.
    return unsafe Handle.make(ValueTypeObject(type))
}

@c @implementation
public func wasm_valtype_kind(_ type: OpaquePointer?) -> wasm_valkind_t {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(type, as: ValueTypeObject.self).type.valueKind
}

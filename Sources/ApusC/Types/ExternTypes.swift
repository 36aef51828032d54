internal import Apus
public import CApusC

/// The type of something that can be imported and exported.
protocol ExternTypeObject: HandleObject {
    var item: ItemType { get }
}

/// The type of a function.
@safe
final class FunctionTypeObject: ExternTypeObject {
    static var kind: UInt32 { apus_kind_functype.rawValue }

    let type: FunctionType
    // SAFETY: this object's own, which C reads as long as it has a handle for this.
    let vectors: UnsafeMutablePointer<(parameters: wasm_valtype_vec_t, results: wasm_valtype_vec_t)>

    init(_ type: FunctionType) {
        self.type = type
        // SAFETY: the allocation has room for the one pair that is written.
        unsafe vectors = .allocate(capacity: 1)
        unsafe vectors.initialize(
            to: (wasm_valtype_vec_t(type.parameters), wasm_valtype_vec_t(type.results)))
    }

    deinit {
        // SAFETY: both vectors were made in `init`, are this object's own, and nobody reads them
        // any more.
        unsafe wasm_valtype_vec_delete(&vectors.pointee.parameters)
        unsafe wasm_valtype_vec_delete(&vectors.pointee.results)
        unsafe vectors.deallocate()
    }

    var item: ItemType { .function(type) }
}

/// The type of a tag.
@safe
final class TagTypeObject: ExternTypeObject {
    static var kind: UInt32 { apus_kind_tagtype.rawValue }

    let parameters: [ValueType]
    // SAFETY: this object's own, which C reads as long as it has a handle for this.
    let vector: UnsafeMutablePointer<wasm_valtype_vec_t>

    init(_ parameters: [ValueType]) {
        self.parameters = parameters
        // SAFETY: the allocation has room for the one vector that is written.
        unsafe vector = .allocate(capacity: 1)
        unsafe vector.initialize(to: wasm_valtype_vec_t(parameters))
    }

    deinit {
        // SAFETY: the vector was made in `init`, is this object's own, and nobody reads it any
        // more.
        unsafe wasm_valtype_vec_delete(vector)
        unsafe vector.deallocate()
    }

    var item: ItemType { .tag(parameters) }
}

/// The type of a global.
@safe
final class GlobalTypeObject: ExternTypeObject {
    static var kind: UInt32 { apus_kind_globaltype.rawValue }

    let type: GlobalType
    // SAFETY: this object's own handle, which is lent to C as long as it has one for this.
    let content: OpaquePointer

    init(_ type: GlobalType) {
        self.type = type
        // SAFETY: `Handle.make` makes what the caller owns from here on. That is this object.
        unsafe content = unsafe Handle.make(ValueTypeObject(type.value))
    }

    // SAFETY: the handle was made in `init` and is this object's own.
    deinit { unsafe wasm_valtype_delete(content) }

    var item: ItemType { .global(type) }
}

/// The type of a table.
@safe
final class TableTypeObject: ExternTypeObject {
    static var kind: UInt32 { apus_kind_tabletype.rawValue }

    let type: TableType
    // SAFETY: this object's own, which C reads as long as it has a handle for this.
    let element: OpaquePointer
    let limits: UnsafeMutablePointer<wasm_limits_t>

    init(_ type: TableType) {
        self.type = type
        // SAFETY: `Handle.make` makes what the caller owns from here on. That is this object; the
        // allocation has room for the limits that are written.
        unsafe element = unsafe Handle.make(ValueTypeObject(type.element))
        unsafe limits = .allocate(capacity: 1)
        unsafe limits.initialize(to: type.limits.limits)
    }

    deinit {
        // SAFETY: both were made in `init`, are this object's own, and nobody reads them any more.
        unsafe wasm_valtype_delete(element)
        unsafe limits.deallocate()
    }

    var item: ItemType { .table(type) }
}

/// The type of a memory.
@safe
final class MemoryTypeObject: ExternTypeObject {
    static var kind: UInt32 { apus_kind_memorytype.rawValue }

    let type: MemoryType
    // SAFETY: this object's own, which C reads as long as it has a handle for this.
    let limits: UnsafeMutablePointer<wasm_limits_t>

    init(_ type: MemoryType) {
        self.type = type
        // SAFETY: the allocation has room for the limits that are written.
        unsafe limits = .allocate(capacity: 1)
        unsafe limits.initialize(to: type.limits.limits)
    }

    // SAFETY: the allocation was made in `init`, is this object's own, and nobody reads it any
    // more.
    deinit { unsafe limits.deallocate() }

    var item: ItemType { .memory(type) }
}

extension SizeLimits {
    /// As the API has them, whose numbers have 32 bits.
    var limits: wasm_limits_t {
        wasm_limits_t(
            min: UInt32(clamping: minimum),
            max: maximum.map { UInt32(clamping: $0) } ?? wasm_limits_max_default)
    }

    init(_ limits: wasm_limits_t) {
        self.init(
            minimum: UInt64(limits.min),
            maximum: limits.max == wasm_limits_max_default ? nil : UInt64(limits.max))
    }
}

extension ItemType {
    /// A handle for it.
    func handle() -> OpaquePointer {
        // SAFETY: `Handle.make` makes what the caller owns from here on.
        switch self {
        case .function(let type): unsafe Handle.make(FunctionTypeObject(type))
        case .global(let type): unsafe Handle.make(GlobalTypeObject(type))
        case .table(let type): unsafe Handle.make(TableTypeObject(type))
        case .memory(let type): unsafe Handle.make(MemoryTypeObject(type))
        case .tag(let parameters): unsafe Handle.make(TagTypeObject(parameters))
        }
    }
}

// MARK: Functions

@c @implementation
public func wasm_functype_new(
    _ params: UnsafeMutablePointer<wasm_valtype_vec_t>?,
    _ results: UnsafeMutablePointer<wasm_valtype_vec_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it. The vectors
    // are the caller's, as `wasm.h` asks, and are given up here.
    let type = unsafe FunctionType(
        params?.pointee.types(#function) ?? [], results?.pointee.types(#function) ?? [])
    unsafe wasm_valtype_vec_delete(params)
    unsafe wasm_valtype_vec_delete(results)
    return unsafe Handle.make(FunctionTypeObject(type))
}

@c @implementation
public func wasm_functype_params(_ type: OpaquePointer?) -> UnsafePointer<wasm_valtype_vec_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The vectors
    // stay where they are as long as the type's object, which the caller has.
    let vectors = unsafe Handle.borrow(type, as: FunctionTypeObject.self).vectors
    return unsafe withUnsafePointer(to: &vectors.pointee.parameters) { unsafe $0 }
}

@c @implementation
public func wasm_functype_results(_ type: OpaquePointer?) -> UnsafePointer<wasm_valtype_vec_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The vectors
    // stay where they are as long as the type's object, which the caller has.
    let vectors = unsafe Handle.borrow(type, as: FunctionTypeObject.self).vectors
    return unsafe withUnsafePointer(to: &vectors.pointee.results) { unsafe $0 }
}

// MARK: Globals

@c @implementation
public func wasm_globaltype_new(
    _ content: OpaquePointer?, _ mutability: wasm_mutability_t
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The caller
    // has given it up, as `wasm.h` says.
    let content = unsafe Handle.take(content, as: ValueTypeObject.self)
    let isMutable = mutability == wasm_mutability_t(WASM_VAR.rawValue)
    return unsafe Handle.make(GlobalTypeObject(GlobalType(content.type, isMutable: isMutable)))
}

@c @implementation
public func wasm_globaltype_content(_ type: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The handle
    // that it answers is the type's own.
    unsafe Handle.borrow(type, as: GlobalTypeObject.self).content
}

@c @implementation
public func wasm_globaltype_mutability(_ type: OpaquePointer?) -> wasm_mutability_t {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let isMutable = unsafe Handle.borrow(type, as: GlobalTypeObject.self).type.isMutable
    return wasm_mutability_t((isMutable ? WASM_VAR : WASM_CONST).rawValue)
}

// MARK: Tables

@c @implementation
public func wasm_tabletype_new(
    _ element: OpaquePointer?, _ limits: UnsafePointer<wasm_limits_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The caller
    // has given it up; `limits` are as `wasm.h` asks, and NULL stops in `given`.
    let element = unsafe Handle.take(element, as: ValueTypeObject.self)
    let type = unsafe TableType(element: element.type, limits: SizeLimits(given(limits)))
    return unsafe Handle.make(TableTypeObject(type))
}

@c @implementation
public func wasm_tabletype_element(_ type: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The handle
    // that it answers is the type's own.
    unsafe Handle.borrow(type, as: TableTypeObject.self).element
}

@c @implementation
public func wasm_tabletype_limits(_ type: OpaquePointer?) -> UnsafePointer<wasm_limits_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The limits
    // stay where they are as long as the type's object, which the caller has.
    unsafe UnsafePointer(Handle.borrow(type, as: TableTypeObject.self).limits)
}

// MARK: Memories

@c @implementation
public func wasm_memorytype_new(_ limits: UnsafePointer<wasm_limits_t>?) -> OpaquePointer? {
    // SAFETY: `limits` are as `wasm.h` asks of the caller, and NULL stops in `given`.
    let type = unsafe MemoryType(limits: SizeLimits(given(limits)))
    return unsafe Handle.make(MemoryTypeObject(type))
}

@c @implementation
public func wasm_memorytype_limits(_ type: OpaquePointer?) -> UnsafePointer<wasm_limits_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The limits
    // stay where they are as long as the type's object, which the caller has.
    unsafe UnsafePointer(Handle.borrow(type, as: MemoryTypeObject.self).limits)
}

// SAFETY: NULL ends the process here; anything else is what the API says.
/// What `pointer`, which a caller gives, points to.
func given<Value>(
    _ pointer: UnsafePointer<Value>?, _ caller: StaticString = #function
) -> Value {
    guard let pointer = unsafe pointer else {
        Misuse.stop(Misuse.name(caller), "NULL instead of a \(Value.self)")
    }
    return unsafe pointer.pointee
}

/// Ends the process if there is nothing at `start`, where a vector of the caller's says that it has
/// elements.
@inline(__always)
func checkElements(
    _ start: UnsafeRawPointer?, _ count: Int, _ caller: StaticString = #function
) {
    // SAFETY: nothing is read.
    if unsafe start == nil, count > 0 {
        Misuse.stop(Misuse.name(caller), "NULL instead of \(count) elements")
    }
}

// MARK: All of them

@c @implementation
public func wasm_externtype_kind(_ type: OpaquePointer?) -> wasm_externkind_t {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe externType(type).item.externKind
}

@c @implementation
public func apus_externtype_tag_params(
    _ type: OpaquePointer?
) -> UnsafePointer<wasm_valtype_vec_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The vector
    // stays where it is as long as the type's object, which the caller has.
    let tag = unsafe externType(type) as? TagTypeObject
    return unsafe tag.map { unsafe UnsafePointer($0.vector) }
}

extension ItemType {
    /// What the API calls it.
    var externKind: wasm_externkind_t {
        switch self {
        case .function: wasm_externkind_t(WASM_EXTERN_FUNC.rawValue)
        case .global: wasm_externkind_t(WASM_EXTERN_GLOBAL.rawValue)
        case .table: wasm_externkind_t(WASM_EXTERN_TABLE.rawValue)
        case .memory: wasm_externkind_t(WASM_EXTERN_MEMORY.rawValue)
        case .tag: wasm_externkind_t(APUS_EXTERN_TAG.rawValue)
        }
    }
}

/// The type that `pointer` is a handle for.
func externType(
    _ pointer: OpaquePointer?, _ caller: StaticString = #function
) -> any ExternTypeObject {
    let kinds = apus_kind_externtype.rawValue
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let object = unsafe Handle.object(pointer, kinds, Misuse.name(caller))
    guard let type = object as? any ExternTypeObject else {
        Misuse.stop(Misuse.name(caller), "no \(Kinds.name(kinds))")
    }
    return type
}

internal import Apus
public import CApusC

@c @implementation
public func apus_tag_new(
    _ store: OpaquePointer?, _ parameters: UnsafeMutablePointer<wasm_valtype_vec_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The vector is
    // the caller's, as `wasm.h` asks, and is given up here.
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let types = unsafe parameters?.pointee.types(#function) ?? []
    unsafe wasm_valtype_vec_delete(parameters)
    return unsafe Handle.make(
        optional: noting { TagObject(try Tag(store.store, parameters: types), in: store) })
}

/// The tag that `pointer` is.
private func tag(
    _ pointer: OpaquePointer?, _ caller: StaticString = #function
) -> (tag: Tag, store: StoreObject) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let (item, part) = unsafe externItem(pointer, caller)
    guard case .tag(let tag) = item else {
        Misuse.stop(Misuse.name(caller), "a wasm_extern_t that is no tag")
    }
    return (tag, part.store)
}

@c @implementation
public func apus_exception_new(
    _ pointer: OpaquePointer?, _ values: UnsafePointer<wasm_val_vec_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it. `values` is
    // NULL or has `size` values at `data`, as `wasm.h` asks of the caller, and is looked into only
    // if these are as many as the tag wants.
    let (tag, store) = unsafe tag(pointer)
    let given = unsafe values?.pointee ?? wasm_val_vec_t()
    unsafe checkElements(given.data, given.size)
    return unsafe Handle.make(
        optional: noting {
            guard unsafe given.size == tag.parameters.count else {
                throw TypeError(expected: tag.parameters, found: [], place: "an exception")
            }
            let values = try tag.parameters.enumerated().map { index, type in
                try unsafe given.data[index].value(of: type, in: store, "apus_exception_new")
            }
            return TrapObject(throwing: try WasmException(tag, values), in: store)
        })
}

@c @implementation
public func apus_trap_has_tag(_ trap: OpaquePointer?, _ pointer: OpaquePointer?) -> Bool {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let exception = unsafe Handle.borrow(trap, as: TrapObject.self).exception
    let tag = unsafe tag(pointer).tag
    return exception?.hasTag(tag) ?? false
}

@c @implementation
public func apus_trap_exception_values(
    _ trap: OpaquePointer?, _ store: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_val_vec_t>?
) -> Bool {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let exception = unsafe Handle.borrow(trap, as: TrapObject.self).exception
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    guard let exception else { return false }
    let values = unsafe noting {
        // No value is made unless all of them can be.
        if exception.types.contains(.v128) { throw VectorError() }
        return try unsafe exception.values(in: store.store).map {
            try unsafe wasm_val_t($0, in: store)
        }
    }
    guard let values = unsafe values else { return false }
    // SAFETY: the vector has room for as many values.
    unsafe wasm_val_vec_new_uninitialized(out, values.count)
    for index in unsafe values.indices { unsafe out?.pointee.data[index] = unsafe values[index] }
    return true
}

internal import Apus
public import CApusC

@c @implementation
public func wasm_global_new(
    _ store: OpaquePointer?, _ type: OpaquePointer?, _ value: UnsafePointer<wasm_val_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it. `value` is a
    // value, as `wasm.h` asks of the caller; NULL stops in `given`.
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let type = unsafe Handle.borrow(type, as: GlobalTypeObject.self).type
    return unsafe Handle.make(
        optional: noting {
            let value = try unsafe (given(value) as wasm_val_t)
                .value(of: type.value, in: store, #function)
            return GlobalObject(try Global(store.store, type, value), in: store)
        })
}

@c @implementation
public func wasm_global_type(_ global: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let type = unsafe Handle.borrow(global, as: GlobalObject.self).global.type
    return unsafe Handle.make(GlobalTypeObject(type))
}

@c @implementation
public func wasm_global_get(_ global: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_val_t>?) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(global, as: GlobalObject.self)
    guard let out = unsafe out else { return }
    let value = unsafe noting { try unsafe wasm_val_t(object.global.value, in: object.store) }
    // SAFETY: `out` points to room for a value, as `wasm.h` says.
    unsafe out.pointee = unsafe value ?? wasm_val_t()
}

@c @implementation
public func wasm_global_set(_ global: OpaquePointer?, _ value: UnsafePointer<wasm_val_t>?) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. `value` is a
    // value, as `wasm.h` asks of the caller; NULL stops in `given`.
    let object = unsafe Handle.borrow(global, as: GlobalObject.self)
    let type = object.global.type.value
    _ = noting {
        try object.global.set(
            try unsafe (given(value) as wasm_val_t).value(of: type, in: object.store, #function))
    }
}

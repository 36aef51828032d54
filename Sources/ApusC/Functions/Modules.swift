internal import Apus
public import CApusC

/// A module.
final class ModuleObject: Referent {
    override class var kind: UInt32 { apus_kind_module.rawValue }

    let module: Module

    init(_ module: Module) { self.module = module }
}

/// A module for any thread.
final class SharedModuleObject: HandleObject {
    static var kind: UInt32 { apus_kind_shared_module.rawValue }

    let module: Module

    init(_ module: Module) { self.module = module }
}

// SAFETY: `size` bytes at `data`, as `wasm.h` says, which nobody changes during the call.
/// Does `body` with the bytes of `vector`.
private func withBytes<Result>(
    _ vector: UnsafePointer<wasm_byte_vec_t>?, _ caller: StaticString = #function,
    _ body: (Span<UInt8>) throws -> Result
) rethrows -> Result {
    let vector: wasm_byte_vec_t = unsafe given(vector, caller)
    unsafe checkElements(vector.data, vector.size, caller)
    let buffer = unsafe UnsafeRawBufferPointer(start: vector.data, count: vector.size)
    return try unsafe body(buffer.bindMemory(to: UInt8.self).span)
}

@c @implementation
public func wasm_module_new(
    _ store: OpaquePointer?, _ binary: UnsafePointer<wasm_byte_vec_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. `binary` has
    // as many bytes as it says, as `wasm.h` asks of the caller.
    let engine = unsafe Handle.borrow(store, as: StoreObject.self).store.engine
    return unsafe Handle.make(
        optional: noting {
            ModuleObject(try unsafe withBytes(binary) { try Module(engine, bytes: $0) })
        })
}

@c @implementation
public func wasm_module_validate(
    _ store: OpaquePointer?, _ binary: UnsafePointer<wasm_byte_vec_t>?
) -> Bool {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. `binary` has
    // as many bytes as it says, as `wasm.h` asks of the caller.
    let engine = unsafe Handle.borrow(store, as: StoreObject.self).store.engine
    let bytes = unsafe (given(binary) as wasm_byte_vec_t).bytes()
    return noting { try Module.validate(engine, bytes: bytes) } != nil
}

@c @implementation
public func wasm_module_imports(
    _ module: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_importtype_vec_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let imports = unsafe Handle.borrow(module, as: ModuleObject.self).module.imports
    // SAFETY: the vector has room for as many handles.
    unsafe wasm_importtype_vec_new_uninitialized(out, imports.count)
    for (index, item) in imports.enumerated() {
        let named = NamedType(module: item.module, item.name, item.type)
        unsafe out?.pointee.data[index] = unsafe Handle.make(ImportTypeObject(named))
    }
}

@c @implementation
public func wasm_module_exports(
    _ module: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_exporttype_vec_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let exports = unsafe Handle.borrow(module, as: ModuleObject.self).module.exports
    // SAFETY: the vector has room for as many handles.
    unsafe wasm_exporttype_vec_new_uninitialized(out, exports.count)
    for (index, item) in exports.enumerated() {
        let named = NamedType(item.name, item.type)
        unsafe out?.pointee.data[index] = unsafe Handle.make(ExportTypeObject(named))
    }
}

@c @implementation
public func wasm_module_serialize(
    _ module: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_byte_vec_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let module = unsafe Handle.borrow(module, as: ModuleObject.self).module
    let bytes = noting { try module.serialize() } ?? []
    // SAFETY: `out` points to room for a vector, as `wasm.h` says.
    unsafe out?.pointee = unsafe wasm_byte_vec_t(bytes)
}

@c @implementation
public func wasm_module_deserialize(
    _ store: OpaquePointer?, _ binary: UnsafePointer<wasm_byte_vec_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. `binary` has
    // as many bytes as it says, as `wasm.h` asks of the caller.
    let engine = unsafe Handle.borrow(store, as: StoreObject.self).store.engine
    let bytes = unsafe (given(binary) as wasm_byte_vec_t).bytes()
    return unsafe Handle.make(
        optional: noting { ModuleObject(try Module(engine, precompiled: bytes)) })
}

@c @implementation
public func wasm_module_share(_ module: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let module = unsafe Handle.borrow(module, as: ModuleObject.self).module
    return unsafe Handle.make(SharedModuleObject(module))
}

@c @implementation
public func wasm_module_obtain(
    _ store: OpaquePointer?, _ module: OpaquePointer?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let store = unsafe Handle.borrow(store, as: StoreObject.self).store
    let module = unsafe Handle.borrow(module, as: SharedModuleObject.self).module
    guard module.engine === store.engine else {
        LastError.note(APUS_ERROR_FOREIGN_STORE, "the module belongs to another engine")
        return nil
    }
    return unsafe Handle.make(ModuleObject(module))
}

internal import Apus
internal import ApusText
public import CApusC

// SAFETY: `length` bytes, as `apus.h` says.
/// The text that a caller gives.
private func text(
    _ start: UnsafePointer<CChar>?, _ length: Int, _ caller: StaticString = #function
) throws -> String {
    unsafe checkElements(start, length, caller)
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: length)
    guard let text = unsafe String(validating: bytes, as: UTF8.self) else { throw EncodingError() }
    return text
}

/// A text is not in UTF-8.
private struct EncodingError: Error, CustomStringConvertible {
    var description: String { "malformed UTF-8 encoding" }
}

@c @implementation
public func apus_text_to_binary(
    _ start: UnsafePointer<CChar>?, _ length: Int, _ out: UnsafeMutablePointer<wasm_byte_vec_t>?
) -> Bool {
    // SAFETY: there are `length` bytes at `start`, as `apus.h` asks of the caller.
    let bytes = noting { try unsafe TextFormat.parseModule(text(start, length)) }
    guard let bytes else { return false }
    // SAFETY: `out` points to room for a vector, as `apus.h` says.
    unsafe out?.pointee = unsafe wasm_byte_vec_t(bytes)
    return true
}

@c @implementation
public func apus_module_new_text(
    _ engine: OpaquePointer?, _ start: UnsafePointer<CChar>?, _ length: Int
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. There are
    // `length` bytes at `start`, as `apus.h` asks of the caller.
    let engine = unsafe Handle.borrow(engine, as: EngineObject.self).engine
    return unsafe Handle.make(
        optional: noting {
            ModuleObject(try Module(engine, text: unsafe text(start, length)))
        })
}

@c @implementation
public func apus_module_new_file(
    _ engine: OpaquePointer?, _ path: UnsafePointer<CChar>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The text ends
    // with a zero, as `apus.h` asks of the caller.
    let engine = unsafe Handle.borrow(engine, as: EngineObject.self).engine
    let path = unsafe string(path)
    return unsafe Handle.make(
        optional: noting { ModuleObject(try Module(engine, contentsOf: path)) })
}

@c @implementation
public func apus_module_serialize_file(
    _ module: OpaquePointer?, _ path: UnsafePointer<CChar>?
) -> Bool {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The text ends
    // with a zero, as `apus.h` asks of the caller.
    let module = unsafe Handle.borrow(module, as: ModuleObject.self).module
    let path = unsafe string(path)
    return noting { try module.serialize(to: path) } != nil
}

@c @implementation
public func apus_module_deserialize_file(
    _ engine: OpaquePointer?, _ path: UnsafePointer<CChar>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The text ends
    // with a zero, as `apus.h` asks of the caller.
    let engine = unsafe Handle.borrow(engine, as: EngineObject.self).engine
    let path = unsafe string(path)
    return unsafe Handle.make(
        optional: noting { ModuleObject(try Module(engine, precompiledAt: path)) })
}

@c @implementation
public func apus_module_update_cache(_ module: OpaquePointer?) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(module, as: ModuleObject.self).module.updateCache()
}

internal import Apus
public import CApusC

/// What a module asks for, or offers: names, of which exports have one, and a type.
@safe
final class NamedType {
    // SAFETY: what is in it is owned by whoever has it: the caller that puts it together, then
    // `NamedType`.
    /// The names and the type as C reads them.
    @unsafe struct Parts {
        // SAFETY: nothing is in it, so nothing is owned.
        var module = unsafe wasm_name_t()
        var name = unsafe wasm_name_t()
        var type: OpaquePointer?
    }

    // SAFETY: this object's own, which C reads as long as it has a handle for it.
    let parts: UnsafeMutablePointer<Parts>

    /// Takes over what `parts` owns.
    init(owning parts: Parts) {
        // SAFETY: the allocation has room for the one record that is written.
        unsafe self.parts = .allocate(capacity: 1)
        unsafe self.parts.initialize(to: parts)
    }

    convenience init(module: String = "", _ name: String, _ type: ItemType) {
        // SAFETY: both names are vectors of their own, and the type a handle of its own.
        unsafe self.init(
            owning: Parts(
                module: wasm_name_t(Array(module.utf8)), name: wasm_name_t(Array(name.utf8)),
                type: type.handle()))
    }

    deinit {
        // SAFETY: all parts are this object's own, and nobody reads them any more.
        unsafe wasm_byte_vec_delete(&parts.pointee.module)
        unsafe wasm_byte_vec_delete(&parts.pointee.name)
        unsafe wasm_externtype_delete(parts.pointee.type)
        unsafe parts.deallocate()
    }
}

/// What a module asks for.
final class ImportTypeObject: HandleObject {
    static var kind: UInt32 { apus_kind_importtype.rawValue }
    let named: NamedType

    init(_ named: NamedType) { self.named = named }
}

/// What a module offers.
final class ExportTypeObject: HandleObject {
    static var kind: UInt32 { apus_kind_exporttype.rawValue }
    let named: NamedType

    init(_ named: NamedType) { self.named = named }
}

extension wasm_byte_vec_t {
    /// A vector of its own.
    init(_ bytes: [UInt8], zeroTerminated: Bool = false) {
        // SAFETY: a vector of nothing, in whose place one comes with room for all bytes, and a zero
        // behind them if one is wanted.
        unsafe self.init()
        let zeros = zeroTerminated ? 1 : 0
        unsafe wasm_byte_vec_new_uninitialized(&self, bytes.count + zeros)
        for (index, byte) in bytes.enumerated() {
            unsafe data[index] = wasm_byte_t(bitPattern: byte)
        }
    }

    /// The bytes in it.
    func bytes(_ caller: StaticString = #function) -> [UInt8] {
        // SAFETY: `size` bytes at `data`, as `wasm.h` says.
        unsafe checkElements(data, size, caller)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: size))
    }
}

// SAFETY: what is left in it owns nothing.
/// Takes what `vector` owns out of it.
private func moved(_ vector: UnsafeMutablePointer<wasm_byte_vec_t>?) -> wasm_byte_vec_t {
    guard let vector = unsafe vector else { return unsafe wasm_byte_vec_t() }
    let contents = unsafe vector.pointee
    unsafe vector.pointee = unsafe wasm_byte_vec_t()
    return unsafe contents
}

/// Takes over a type of the caller's.
private func owned(_ type: OpaquePointer?, _ caller: StaticString) -> OpaquePointer {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The caller
    // has given it up, as `wasm.h` says.
    unsafe Handle.move(type, apus_kind_externtype.rawValue, Misuse.name(caller))
}

@c @implementation
public func wasm_importtype_new(
    _ module: UnsafeMutablePointer<wasm_name_t>?, _ name: UnsafeMutablePointer<wasm_name_t>?,
    _ type: OpaquePointer?
) -> OpaquePointer? {
    // SAFETY: what the caller gives up is taken over: names are left empty, the type moved to a
    // handle of its own.
    let parts = unsafe NamedType.Parts(
        module: moved(module), name: moved(name), type: owned(type, #function))
    return unsafe Handle.make(ImportTypeObject(NamedType(owning: parts)))
}

@c @implementation
public func wasm_importtype_module(_ type: OpaquePointer?) -> UnsafePointer<wasm_name_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The name
    // stays where it is as long as the type's object, which the caller has.
    let parts = unsafe Handle.borrow(type, as: ImportTypeObject.self).named.parts
    return unsafe withUnsafePointer(to: &parts.pointee.module) { unsafe $0 }
}

@c @implementation
public func wasm_importtype_name(_ type: OpaquePointer?) -> UnsafePointer<wasm_name_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The name
    // stays where it is as long as the type's object, which the caller has.
    let parts = unsafe Handle.borrow(type, as: ImportTypeObject.self).named.parts
    return unsafe withUnsafePointer(to: &parts.pointee.name) { unsafe $0 }
}

@c @implementation
public func wasm_importtype_type(_ type: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The handle
    // that it answers is the type's own.
    unsafe Handle.borrow(type, as: ImportTypeObject.self).named.parts.pointee.type
}

@c @implementation
public func wasm_exporttype_new(
    _ name: UnsafeMutablePointer<wasm_name_t>?, _ type: OpaquePointer?
) -> OpaquePointer? {
    // SAFETY: what the caller gives up is taken over: the name is left empty, the type moved to a
    // handle of its own.
    let parts = unsafe NamedType.Parts(name: moved(name), type: owned(type, #function))
    return unsafe Handle.make(ExportTypeObject(NamedType(owning: parts)))
}

@c @implementation
public func wasm_exporttype_name(_ type: OpaquePointer?) -> UnsafePointer<wasm_name_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The name
    // stays where it is as long as the type's object, which the caller has.
    let parts = unsafe Handle.borrow(type, as: ExportTypeObject.self).named.parts
    return unsafe withUnsafePointer(to: &parts.pointee.name) { unsafe $0 }
}

@c @implementation
public func wasm_exporttype_type(_ type: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The handle
    // that it answers is the type's own.
    unsafe Handle.borrow(type, as: ExportTypeObject.self).named.parts.pointee.type
}

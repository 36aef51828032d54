internal import Apus
internal import ApusWASI
internal import CApusC

/// Knows what modules may import.
final class LinkerObject: HandleObject {
    static var kind: UInt32 { apus_kind_linker.rawValue }

    var linker: Linker
    /// What it has been given, which keeps the stores of that.
    var stores: [ObjectIdentifier: StoreObject] = [:]

    init(_ engine: Engine) { linker = Linker(engine) }

    /// Keeps `store` as long as this is there.
    func keep(_ store: StoreObject) { stores[ObjectIdentifier(store)] = store }
}

@c @implementation
public func apus_linker_new(_ engine: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.make(LinkerObject(Handle.borrow(engine, as: EngineObject.self).engine))
}

@c @implementation
public func apus_linker_define(
    _ linker: OpaquePointer?, _ module: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?,
    _ item: OpaquePointer?
) {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it. Texts end
    // with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(linker, as: LinkerObject.self)
    let (item, part) = unsafe externItem(item)
    object.keep(part.store)
    unsafe object.linker.define(string(module), string(name), item)
}

@c @implementation
public func apus_linker_define_instance(
    _ linker: OpaquePointer?, _ module: UnsafePointer<CChar>?, _ instance: OpaquePointer?
) -> Bool {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it. The text
    // ends with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(linker, as: LinkerObject.self)
    let instance = unsafe Handle.borrow(instance, as: InstanceObject.self)
    let module = unsafe string(module)
    object.keep(instance.store)
    return noting { try object.linker.define(module, instance.instance) } != nil
}

@c @implementation
public func apus_linker_define_wasi(_ linker: OpaquePointer?, _ wasi: OpaquePointer?) -> Bool {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(linker, as: LinkerObject.self)
    let wasi = unsafe Handle.borrow(wasi, as: WASIObject.self).wasi
    return noting { try wasi.define(in: &object.linker) } != nil
}

@c @implementation
public func apus_linker_instantiate(
    _ linker: OpaquePointer?, _ store: OpaquePointer?, _ module: OpaquePointer?,
    _ trap: UnsafeMutablePointer<OpaquePointer?>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    // `instantiating` says what `trap` is.
    let linker = unsafe Handle.borrow(linker, as: LinkerObject.self).linker
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let module = unsafe Handle.borrow(module, as: ModuleObject.self).module
    return unsafe instantiating(store, trap) {
        try linker.instantiate(module, in: store.store)
    }
}

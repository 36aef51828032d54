@_spi(ApusC) internal import Apus
public import CApusC

@c @implementation
public func wasm_extern_kind(_ item: OpaquePointer?) -> wasm_externkind_t {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe externItem(item).item.type.externKind
}

@c @implementation
public func wasm_extern_type(_ item: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe externItem(item).item.type.handle()
}

/// What `pointer` is a handle for, which must be something that can be imported and exported.
func externItem(
    _ pointer: OpaquePointer?, _ caller: StaticString = #function
) -> (item: Item, part: StorePart) {
    let kinds = apus_kind_extern.rawValue
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let object = unsafe Handle.object(pointer, kinds, Misuse.name(caller))
    guard let part = object as? StorePart, case .item(let item) = part.kept else {
        Misuse.stop(Misuse.name(caller), "no \(Kinds.name(kinds))")
    }
    return (item, part)
}

@c @implementation
public func wasm_instance_new(
    _ store: OpaquePointer?, _ module: OpaquePointer?,
    _ imports: UnsafePointer<wasm_extern_vec_t>?,
    _ trap: UnsafeMutablePointer<OpaquePointer?>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it. `imports` is
    // NULL or has `size` handles at `data`, as `wasm.h` asks of the caller.
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let module = unsafe Handle.borrow(module, as: ModuleObject.self).module
    var items: [Item] = []
    if let imports = unsafe imports?.pointee {
        unsafe checkElements(imports.data, imports.size)
        for index in 0..<(unsafe imports.size) {
            items.append(unsafe externItem(imports.data[index]).item)
        }
    }
    return unsafe instantiating(store, trap) {
        guard items.count <= module.imports.count else {
            throw ImportCountError(wanted: module.imports.count, given: items.count)
        }
        return try Instance(store.store, module, imports: items)
    }
}

/// There is more to be imported than the module wants. Where there is less, it is said what.
struct ImportCountError: Error, CustomStringConvertible {
    let wanted: Int
    let given: Int

    var description: String { "a module with \(wanted) imports was given \(given)" }
}

// SAFETY: `trap` is NULL or points to room for a pointer, as the API says.
/// A handle for the instance of `store` that `work` makes. If it throws, NULL, and a trap for
/// whoever wants one.
func instantiating(
    _ store: StoreObject, _ trap: UnsafeMutablePointer<OpaquePointer?>?,
    _ work: () throws -> Instance
) -> OpaquePointer? {
    do {
        let instance = InstanceObject(try work(), in: store)
        unsafe trap?.pointee = nil
        return unsafe Handle.make(instance)
    } catch {
        let failure = TrapObject.of(error, in: store)
        if let trap = unsafe trap { unsafe trap.pointee = unsafe Handle.make(failure) }
        return nil
    }
}

@c @implementation
public func wasm_instance_exports(
    _ instance: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_extern_vec_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(instance, as: InstanceObject.self)
    let exports = noting { try object.instance.exports } ?? []
    // SAFETY: the vector has room for as many handles.
    unsafe wasm_extern_vec_new_uninitialized(out, exports.count)
    for (index, export) in exports.enumerated() {
        let part = StoreObject.Kept.item(export.item).part(of: object.store)
        unsafe out?.pointee.data[index] = unsafe Handle.make(part)
    }
}

@c @implementation
public func apus_instance_export(
    _ instance: OpaquePointer?, _ name: UnsafePointer<CChar>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The text ends
    // with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(instance, as: InstanceObject.self)
    let name = unsafe string(name)
    return unsafe export(name, of: object.instance, in: object.store)
}

/// A handle for what `instance` exports; NULL if there is nothing.
func export(
    _ name: String, of instance: Instance, in store: StoreObject
) -> OpaquePointer? {
    let part: StorePart? = noting {
        guard let item = try instance.export(name) else {
            throw ExportError(name: name, expected: "export", found: nil)
        }
        return StoreObject.Kept.item(item).part(of: store)
    }
    // SAFETY: `Handle.make` makes what the caller owns from here on.
    return unsafe Handle.make(reference: part)
}

// SAFETY: it ends with a zero, as the API says.
/// The text that a caller gives.
func string(_ text: UnsafePointer<CChar>?, _ caller: StaticString = #function) -> String {
    guard let text = unsafe text else { Misuse.stop(Misuse.name(caller), "NULL instead of a text") }
    return unsafe String(cString: text)
}

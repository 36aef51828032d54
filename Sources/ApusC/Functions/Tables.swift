internal import Apus
public import CApusC

@c @implementation
public func wasm_table_new(
    _ store: OpaquePointer?, _ type: OpaquePointer?, _ initial: OpaquePointer?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let type = unsafe Handle.borrow(type, as: TableTypeObject.self).type
    return unsafe Handle.make(
        optional: noting {
            let value = try unsafe wasm_val_t.value(initial, of: type.element, #function)
            return TableObject(try Table(store.store, type, initial: value), in: store)
        })
}

@c @implementation
public func wasm_table_type(_ table: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let table = unsafe Handle.borrow(table, as: TableObject.self).table
    return unsafe Item.table(table).type.handle()
}

@c @implementation
public func wasm_table_get(_ table: OpaquePointer?, _ index: wasm_table_size_t) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(table, as: TableObject.self)
    let element = noting { try object.table.get(Int(index)) }
    return unsafe Handle.make(reference: element.flatMap { object.store.referent($0) })
}

@c @implementation
public func wasm_table_set(
    _ table: OpaquePointer?, _ index: wasm_table_size_t, _ reference: OpaquePointer?
) -> Bool {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(table, as: TableObject.self)
    let type = object.table.type.element
    return noting {
        try object.table.set(
            Int(index),
            try unsafe wasm_val_t.value(reference, of: type, #function))
    } != nil
}

@c @implementation
public func wasm_table_size(_ table: OpaquePointer?) -> wasm_table_size_t {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    wasm_table_size_t(clamping: unsafe Handle.borrow(table, as: TableObject.self).table.count)
}

@c @implementation
public func wasm_table_grow(
    _ table: OpaquePointer?, _ delta: wasm_table_size_t, _ initial: OpaquePointer?
) -> Bool {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(table, as: TableObject.self)
    let type = object.table.type.element
    return noting {
        let value = try unsafe wasm_val_t.value(initial, of: type, #function)
        return try object.table.grow(by: Int(delta), value)
    } != nil
}

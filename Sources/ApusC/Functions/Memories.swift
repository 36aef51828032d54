@_spi(ApusC) internal import Apus
public import CApusC

@c @implementation
public func wasm_memory_new(_ store: OpaquePointer?, _ type: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let type = unsafe Handle.borrow(type, as: MemoryTypeObject.self).type
    return unsafe Handle.make(
        optional: noting { MemoryObject(try Memory(store.store, type), in: store) })
}

@c @implementation
public func wasm_memory_type(_ memory: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let memory = unsafe Handle.borrow(memory, as: MemoryObject.self).memory
    return unsafe Item.memory(memory).type.handle()
}

@c @implementation
public func wasm_memory_data(_ memory: OpaquePointer?) -> UnsafeMutablePointer<byte_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The bytes are
    // the store's, which the caller has to keep meanwhile, as `wasm.h` says.
    unsafe Handle.borrow(memory, as: MemoryObject.self).memory.firstByte
}

extension Memory {
    // SAFETY: a memory's bytes stay at one place for the life of its store, of which the caller has
    // the memory.
    /// Where its bytes are.
    var firstByte: UnsafeMutablePointer<byte_t>? {
        unsafe baseAddress.assumingMemoryBound(to: byte_t.self)
    }
}

@c @implementation
public func wasm_memory_data_size(_ memory: OpaquePointer?) -> Int {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(memory, as: MemoryObject.self).memory.byteCount
}

@c @implementation
public func wasm_memory_size(_ memory: OpaquePointer?) -> wasm_memory_pages_t {
    wasm_memory_pages_t(
        // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
        clamping: unsafe Handle.borrow(memory, as: MemoryObject.self).memory.pageCount)
}

@c @implementation
public func wasm_memory_grow(_ memory: OpaquePointer?, _ delta: wasm_memory_pages_t) -> Bool {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let memory = unsafe Handle.borrow(memory, as: MemoryObject.self).memory
    return noting { try memory.grow(by: Int(delta)) } != nil
}

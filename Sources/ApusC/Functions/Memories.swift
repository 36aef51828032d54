internal import Apus
public import CApusC

@c @implementation
public func wasm_memory_new(_ store: OpaquePointer?, _ type: OpaquePointer?) -> OpaquePointer? {
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let type = unsafe Handle.borrow(type, as: MemoryTypeObject.self).type
    return unsafe Handle.make(
        optional: noting { MemoryObject(try Memory(store.store, type), in: store) })
}

@c @implementation
public func wasm_memory_type(_ memory: OpaquePointer?) -> OpaquePointer? {
    let memory = unsafe Handle.borrow(memory, as: MemoryObject.self).memory
    return unsafe Item.memory(memory).type.handle()
}

@c @implementation
public func wasm_memory_data(_ memory: OpaquePointer?) -> UnsafeMutablePointer<byte_t>? {
    unsafe Handle.borrow(memory, as: MemoryObject.self).memory.firstByte
}

extension Memory {
    /// Where its bytes are.
    // SAFETY: a memory's bytes stay at one place for the life of its store, of which the caller has
    // the memory.
    var firstByte: UnsafeMutablePointer<byte_t>? {
        unsafe withMutableBytes { bytes in
            unsafe bytes.withUnsafeMutableBytes {
                unsafe $0.baseAddress?.assumingMemoryBound(to: byte_t.self)
            }
        }
    }
}

@c @implementation
public func wasm_memory_data_size(_ memory: OpaquePointer?) -> Int {
    unsafe Handle.borrow(memory, as: MemoryObject.self).memory.byteCount
}

@c @implementation
public func wasm_memory_size(_ memory: OpaquePointer?) -> wasm_memory_pages_t {
    wasm_memory_pages_t(
        clamping: unsafe Handle.borrow(memory, as: MemoryObject.self).memory.pageCount)
}

@c @implementation
public func wasm_memory_grow(_ memory: OpaquePointer?, _ delta: wasm_memory_pages_t) -> Bool {
    let memory = unsafe Handle.borrow(memory, as: MemoryObject.self).memory
    return noting { try memory.grow(by: Int(delta)) } != nil
}

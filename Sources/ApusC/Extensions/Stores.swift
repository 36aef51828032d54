internal import Apus
public import CApusC

/// What stops the guests of a store.
final class InterruptObject: HandleObject {
    static var kind: UInt32 { apus_kind_interrupt.rawValue }

    let handle: InterruptHandle

    init(_ handle: InterruptHandle) { self.handle = handle }
}

@c @implementation
public func apus_store_new(
    _ engine: OpaquePointer?, _ limits: UnsafePointer<apus_limits_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. `limits` is
    // NULL or as large as it says, as `apus.h` asks of the caller.
    let engine = unsafe Handle.borrow(engine, as: EngineObject.self)
    var own = engine.engine.configuration.limits
    unsafe own.take(limits)
    return unsafe Handle.make(StoreObject(Store(engine.engine, limits: own), of: engine))
}

@c @implementation
public func apus_store_set_deadline(_ store: OpaquePointer?, _ nanoseconds: UInt64) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let store = unsafe Handle.borrow(store, as: StoreObject.self).store
    if let duration = Duration(nanoseconds: nanoseconds) {
        store.setDeadline(after: duration)
    } else {
        store.deadline = nil
    }
}

@c @implementation
public func apus_store_fuel(_ store: OpaquePointer?) -> UInt64 {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(store, as: StoreObject.self).store.fuel
}

@c @implementation
public func apus_store_set_fuel(_ store: OpaquePointer?, _ fuel: UInt64) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(store, as: StoreObject.self).store.fuel = fuel
}

@c @implementation
public func apus_store_is_interrupted(_ store: OpaquePointer?) -> Bool {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(store, as: StoreObject.self).store.isInterrupted
}

@c @implementation
public func apus_store_collect(_ store: OpaquePointer?) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(store, as: StoreObject.self).store.collectObjects()
}

@c @implementation
public func apus_store_statistics(
    _ store: OpaquePointer?, _ out: UnsafeMutablePointer<apus_store_statistics_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let found = unsafe Handle.borrow(store, as: StoreObject.self).store.statistics
    guard let out = unsafe out else { return }
    // SAFETY: the caller's structure has the size it says; the fields that it has are written.
    let size = unsafe out.pointee.size
    var statistics = apus_store_statistics_t(
        size: size, instances: UInt64(found.instances), memories: UInt64(found.memories),
        tables: UInt64(found.tables), memory_bytes: found.memoryBytes,
        peak_memory_bytes: found.peakMemoryBytes, table_elements: found.tableElements,
        heap_bytes: found.heapBytes, traps: UInt64(found.traps), fuel_used: found.fuelUsed,
        external_references: UInt64(found.externalReferences))
    let known = min(size, MemoryLayout<apus_store_statistics_t>.size)
    unsafe UnsafeMutableRawPointer(out).copyMemory(from: &statistics, byteCount: known)
}

@c @implementation
public func apus_interrupt_new(_ store: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let store = unsafe Handle.borrow(store, as: StoreObject.self).store
    return unsafe Handle.make(InterruptObject(store.interruptHandle))
}

@c @implementation
public func apus_interrupt(_ interrupt: OpaquePointer?) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(interrupt, as: InterruptObject.self).handle.interrupt()
}

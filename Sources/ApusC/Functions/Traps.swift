internal import Apus
public import CApusC

@c @implementation
public func wasm_trap_new(
    _ store: OpaquePointer?, _ message: UnsafePointer<wasm_message_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. `message` has
    // as many bytes as it says, as `wasm.h` asks of the caller.
    if unsafe store != nil { _ = unsafe Handle.borrow(store, as: StoreObject.self) }
    var bytes = unsafe (given(message) as wasm_message_t).bytes()
    if bytes.last == 0 { bytes.removeLast() }
    return unsafe Handle.make(TrapObject(bytes))
}

@c @implementation
public func wasm_trap_message(
    _ trap: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_message_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let message = unsafe Handle.borrow(trap, as: TrapObject.self).message
    // SAFETY: `out` points to room for a vector, as `wasm.h` says.
    unsafe out?.pointee = unsafe wasm_byte_vec_t(message, zeroTerminated: true)
}

@c @implementation
public func wasm_trap_origin(_ trap: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let trap = unsafe Handle.borrow(trap, as: TrapObject.self)
    return unsafe Handle.make(optional: trap.frames.first.map { FrameObject($0) })
}

@c @implementation
public func wasm_trap_trace(
    _ trap: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_frame_vec_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let trap = unsafe Handle.borrow(trap, as: TrapObject.self)
    // SAFETY: the vector has room for as many handles.
    unsafe wasm_frame_vec_new_uninitialized(out, trap.frames.count)
    for (index, frame) in trap.frames.enumerated() {
        unsafe out?.pointee.data[index] = unsafe Handle.make(FrameObject(frame))
    }
}

@c @implementation
public func wasm_frame_instance(_ frame: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The handle
    // that it answers is the frame's own.
    unsafe Handle.borrow(frame, as: FrameObject.self).instance
}

@c @implementation
public func wasm_frame_func_index(_ frame: OpaquePointer?) -> UInt32 {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    UInt32(truncatingIfNeeded: unsafe Handle.borrow(frame, as: FrameObject.self).frame.function)
}

@c @implementation
public func wasm_frame_func_offset(_ frame: OpaquePointer?) -> Int {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(frame, as: FrameObject.self).frame.bodyOffset
}

@c @implementation
public func wasm_frame_module_offset(_ frame: OpaquePointer?) -> Int {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(frame, as: FrameObject.self).frame.offset
}

@c @implementation
public func wasm_foreign_new(_ store: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    _ = unsafe Handle.borrow(store, as: StoreObject.self)
    return unsafe Handle.make(ForeignObject())
}

// MARK: What the standard lacks

@c @implementation
public func apus_trap_code(_ trap: OpaquePointer?) -> apus_trap_code_t {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    apus_trap_code_t(unsafe Handle.borrow(trap, as: TrapObject.self).code.rawValue)
}

@c @implementation
public func apus_trap_exit_status(
    _ trap: OpaquePointer?, _ status: UnsafeMutablePointer<Int32>?
) -> Bool {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    guard let found = unsafe Handle.borrow(trap, as: TrapObject.self).exitStatus else {
        return false
    }
    // SAFETY: `status` points to room for it, as `apus.h` says.
    unsafe status?.pointee = found
    return true
}

@c @implementation
public func apus_trap_description(
    _ trap: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_message_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let text = unsafe Handle.borrow(trap, as: TrapObject.self).description
    // SAFETY: `out` points to room for a vector, as `apus.h` says.
    unsafe out?.pointee = unsafe wasm_byte_vec_t(Array(text.utf8), zeroTerminated: true)
}

@c @implementation
public func apus_frame_func_name(
    _ frame: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_name_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let name = unsafe Handle.borrow(frame, as: FrameObject.self).frame.name ?? ""
    // SAFETY: `out` points to room for a vector, as `apus.h` says.
    unsafe out?.pointee = unsafe wasm_byte_vec_t(Array(name.utf8), zeroTerminated: true)
}

@c @implementation
public func apus_frame_source_name(
    _ frame: OpaquePointer?, _ out: UnsafeMutablePointer<wasm_name_t>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let name = unsafe Handle.borrow(frame, as: FrameObject.self).frame.sourceName ?? ""
    // SAFETY: `out` points to room for a vector, as `apus.h` says.
    unsafe out?.pointee = unsafe wasm_byte_vec_t(Array(name.utf8), zeroTerminated: true)
}

internal import Apus
public import CApusC

@c @implementation
public func wasm_func_new(
    _ store: OpaquePointer?, _ type: OpaquePointer?, _ callback: wasm_func_callback_t?
) -> OpaquePointer? {
    // SAFETY: `make` looks at the handles; the callback is the embedder's, who keeps it as long as
    // the function.
    guard let callback = unsafe callback else { return unsafe stop(#function) }
    return unsafe make(store, type, .plain(callback), HostInfo(nil, nil))
}

@c @implementation
public func wasm_func_new_with_env(
    _ store: OpaquePointer?, _ type: OpaquePointer?, _ callback: wasm_func_callback_with_env_t?,
    _ environment: UnsafeMutableRawPointer?, _ finalizer: Finalizer?
) -> OpaquePointer? {
    // SAFETY: `make` looks at the handles; the callback is the embedder's, who keeps it, and what
    // it is called with, until the finalizer is called.
    guard let callback = unsafe callback else { return unsafe stop(#function) }
    let environment = unsafe HostInfo(environment, finalizer)
    return unsafe make(store, type, .withEnvironment(callback), environment)
}

@c @implementation
public func apus_func_new(
    _ store: OpaquePointer?, _ type: OpaquePointer?, _ callback: apus_func_callback_t?,
    _ environment: UnsafeMutableRawPointer?, _ finalizer: Finalizer?
) -> OpaquePointer? {
    // SAFETY: `make` looks at the handles; the callback is the embedder's, who keeps it, and what
    // it is called with, until the finalizer is called.
    guard let callback = unsafe callback else { return unsafe stop(#function) }
    let environment = unsafe HostInfo(environment, finalizer)
    return unsafe make(store, type, .withCaller(callback), environment)
}

@c @implementation
public func apus_func_new_cells(
    _ store: OpaquePointer?, _ type: OpaquePointer?, _ callback: apus_func_callback_cells_t?,
    _ environment: UnsafeMutableRawPointer?, _ finalizer: Finalizer?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointers' marks; the callback is the embedder's, who keeps it,
    // and what it is called with, until the finalizer is called.
    guard let callback = unsafe callback else { return unsafe stop(#function) }
    let environment = unsafe HostInfo(environment, finalizer)
    guard unsafe Handle.borrow(type, as: FunctionTypeObject.self).type.takesCells else {
        LastError.note(APUS_ERROR_TYPE, "references are not passed in cells")
        return nil
    }
    return unsafe make(store, type, .withCells(callback), environment)
}

private func stop(_ caller: StaticString) -> OpaquePointer? {
    Misuse.stop(Misuse.name(caller), "NULL instead of a callback")
}

private func make(
    _ store: OpaquePointer?, _ type: OpaquePointer?, _ function: Callback.Function,
    _ environment: HostInfo, _ caller: StaticString = #function
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it. `Callback`
    // keeps what it is given until nothing can call it any more.
    let store = unsafe Handle.borrow(store, as: StoreObject.self, caller)
    let type = unsafe Handle.borrow(type, as: FunctionTypeObject.self, caller).type
    return unsafe Handle.make(
        optional: noting {
            if case .withCells = unsafe function {
            } else if (type.parameters + type.results).contains(.v128) {
                throw VectorError()
            }
            return try unsafe Callback(function, environment, type, store).make()
        })
}

@c @implementation
public func wasm_func_type(_ function: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let type = unsafe Handle.borrow(function, as: FunctionObject.self).function.type
    return unsafe Handle.make(FunctionTypeObject(type))
}

@c @implementation
public func wasm_func_param_arity(_ function: OpaquePointer?) -> Int {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(function, as: FunctionObject.self).function.type.parameters.count
}

@c @implementation
public func wasm_func_result_arity(_ function: OpaquePointer?) -> Int {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(function, as: FunctionObject.self).function.type.results.count
}

@c @implementation
public func wasm_func_call(
    _ function: OpaquePointer?, _ arguments: UnsafePointer<wasm_val_vec_t>?,
    _ results: UnsafeMutablePointer<wasm_val_vec_t>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The vectors
    // are NULL or as they say, as `wasm.h` asks of the caller; `FunctionObject` looks at their
    // sizes.
    unsafe Handle.with(function, as: FunctionObject.self) { function in
        unsafe Handle.make(optional: function(arguments, results))
    }
}

@c @implementation
public func apus_func_cell_count(_ function: OpaquePointer?) -> Int {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let function = unsafe Handle.borrow(function, as: FunctionObject.self)
    return noting { try function.call.cellCount } ?? 0
}

@c @implementation
public func apus_func_call_cells(
    _ function: OpaquePointer?, _ cells: UnsafeMutablePointer<UInt64>?, _ count: Int
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. There are
    // `count` cells, as `apus.h` asks of the caller.
    unsafe Handle.with(function, as: FunctionObject.self) { function in
        do {
            let call = try function.call
            guard call.takesCells, count >= call.cellCount else {
                throw TypeError(
                    expected: function.function.type.parameters, found: [],
                    place: "the cells of a call")
            }
            var span = unsafe MutableSpan(
                _unsafeElements: UnsafeMutableBufferPointer(start: cells, count: count))
            try call.perform(&span)
            return nil
        } catch {
            return unsafe Handle.make(TrapObject.of(error, in: function.store))
        }
    }
}

// MARK: Callers

@c @implementation
public func apus_caller_export(
    _ caller: OpaquePointer?, _ name: UnsafePointer<CChar>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The text ends
    // with a zero, as `apus.h` asks of the caller.
    let caller = unsafe Handle.borrow(caller, as: CallerObject.self)
    guard let instance = caller.instance else { return nil }
    let name = unsafe string(name)
    return unsafe export(name, of: instance, in: caller.store)
}

@c @implementation
public func apus_caller_memory(
    _ caller: OpaquePointer?, _ size: UnsafeMutablePointer<Int>?
) -> UnsafeMutablePointer<byte_t>? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let instance = unsafe Handle.borrow(caller, as: CallerObject.self).instance
    guard let instance, let memory = try? instance.memory else { return nil }
    // SAFETY: `size` is NULL or points to room for it, as `apus.h` says.
    unsafe size?.pointee = memory.byteCount
    return unsafe memory.firstByte
}

internal import Apus
internal import ApusWASI
public import CApusC

/// What a program is given of its host's world.
final class WASIObject: HandleObject {
    static var kind: UInt32 { apus_kind_wasi.rawValue }

    var wasi = WASI()

    /// Changes it. The finalizer of what goes with that is called when nothing is being changed any
    /// more: it may call back.
    func change(_ body: (inout WASI) -> Void) {
        let old = wasi
        body(&wasi)
        withExtendedLifetime(old) {}
    }
}

// SAFETY: `Handle.make` makes what the caller owns from here on.
@c @implementation
public func apus_wasi_new() -> OpaquePointer? { unsafe Handle.make(WASIObject()) }

/// The text that a caller gives, as bytes, which need not be UTF-8.
private func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
    var bytes: [UInt8] = []
    // SAFETY: a text ends with a zero, as `apus.h` says; nothing behind it is read.
    var next = unsafe text
    while unsafe next.pointee != 0 {
        bytes.append(UInt8(bitPattern: unsafe next.pointee))
        unsafe next += 1
    }
    return bytes
}

/// The texts that a caller gives, as bytes.
private func texts(
    _ count: Int, _ texts: UnsafePointer<UnsafePointer<CChar>?>?
) -> [[UInt8]] {
    // SAFETY: there are `count` of them, each of which ends with a zero, as `apus.h` says.
    guard let texts = unsafe texts else { return [] }
    return (0..<count).map { index in unsafe texts[index].map { unsafe bytes($0) } ?? [] }
}

@c @implementation
public func apus_wasi_set_arguments(
    _ wasi: OpaquePointer?, _ count: Int, _ arguments: UnsafePointer<UnsafePointer<CChar>?>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. There are
    // `count` texts, each of which ends with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(wasi, as: WASIObject.self)
    object.wasi.argumentBytes = unsafe texts(count, arguments)
}

@c @implementation
public func apus_wasi_set_environment(
    _ wasi: OpaquePointer?, _ count: Int, _ variables: UnsafePointer<UnsafePointer<CChar>?>?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. There are
    // `count` texts, each of which ends with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(wasi, as: WASIObject.self)
    object.wasi.environmentBytes = unsafe texts(count, variables).map { variable in
        let parts = variable.split(
            separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        return (Array(parts[0]), parts.count > 1 ? Array(parts[1]) : [])
    }
}

@c @implementation
public func apus_wasi_inherit_streams(_ wasi: OpaquePointer?) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    unsafe Handle.borrow(wasi, as: WASIObject.self).change { $0.inheritStreams() }
}

@c @implementation
public func apus_wasi_set_input(
    _ wasi: OpaquePointer?, _ bytes: UnsafeRawPointer?, _ count: Int
) {
    // SAFETY: `count` bytes, as `apus.h` says.
    unsafe checkElements(bytes, count)
    let input = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    unsafe Handle.borrow(wasi, as: WASIObject.self).wasi.standardInput = .bytes(input)
}

/// Takes output.
@safe
private final class Output: Sendable {
    // SAFETY: the embedder's function and what it is called with, who says by the finalizer that
    // they are needed until that is called. Threads of a program call it one after the other.
    nonisolated(unsafe) private let function: apus_wasi_output_t
    nonisolated(unsafe) private let environment: HostInfo

    init(_ function: apus_wasi_output_t, _ environment: HostInfo) {
        // SAFETY: kept as the properties say.
        unsafe self.function = unsafe function
        unsafe self.environment = environment
    }

    func write(_ bytes: [UInt8]) {
        // SAFETY: the array lends its bytes for the call; the function is the embedder's, who keeps
        // what it is called with until its finalizer is called.
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe function(
                environment.pointer, bytes.bindMemory(to: byte_t.self).baseAddress, bytes.count)
        }
    }
}

private func output(
    _ function: apus_wasi_output_t?, _ environment: UnsafeMutableRawPointer?,
    _ finalizer: Finalizer?
) -> WASI.Output {
    // SAFETY: what the embedder gives is kept together: the finalizer is called when `Output` has
    // gone.
    let environment = unsafe HostInfo(environment, finalizer)
    guard let function = unsafe function else { return .discard }
    let output = unsafe Output(function, environment)
    return .handler { output.write($0) }
}

@c @implementation
public func apus_wasi_set_output(
    _ wasi: OpaquePointer?, _ function: apus_wasi_output_t?,
    _ environment: UnsafeMutableRawPointer?, _ finalizer: Finalizer?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. What is given
    // with it is the embedder's, kept as `Output` says.
    let object = unsafe Handle.borrow(wasi, as: WASIObject.self)
    let output = unsafe output(function, environment, finalizer)
    object.change { $0.standardOutput = output }
}

@c @implementation
public func apus_wasi_set_error_output(
    _ wasi: OpaquePointer?, _ function: apus_wasi_output_t?,
    _ environment: UnsafeMutableRawPointer?, _ finalizer: Finalizer?
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. What is given
    // with it is the embedder's, kept as `Output` says.
    let object = unsafe Handle.borrow(wasi, as: WASIObject.self)
    let output = unsafe output(function, environment, finalizer)
    object.change { $0.standardError = output }
}

@c @implementation
public func apus_wasi_preopen(
    _ wasi: OpaquePointer?, _ guest: UnsafePointer<CChar>?, _ host: UnsafePointer<CChar>?,
    _ isWritable: Bool
) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. Texts end
    // with a zero, as `apus.h` asks of the caller.
    let object = unsafe Handle.borrow(wasi, as: WASIObject.self)
    guard let guest = unsafe guest, let host = unsafe host else {
        Misuse.stop(Misuse.name(#function), "NULL instead of a text")
    }
    object.wasi.preopens.append(
        WASI.Preopen(
            guestPathBytes: unsafe bytes(guest), source: .hostBytes(unsafe bytes(host)),
            access: isWritable ? .readWrite : .readOnly))
}

@c @implementation
public func apus_wasi_inherit_clocks_and_random(_ wasi: OpaquePointer?) {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let object = unsafe Handle.borrow(wasi, as: WASIObject.self)
    object.wasi.clock = .system
    object.wasi.random = .system
}

@c @implementation
public func apus_wasi_run(
    _ wasi: OpaquePointer?, _ store: OpaquePointer?, _ module: OpaquePointer?,
    _ status: UnsafeMutablePointer<Int32>?, _ trap: UnsafeMutablePointer<OpaquePointer?>?
) -> Bool {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    let wasi = unsafe Handle.borrow(wasi, as: WASIObject.self).wasi
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let module = unsafe Handle.borrow(module, as: ModuleObject.self).module
    // SAFETY: `status` and `trap` are NULL or point to room for their values, as `apus.h` says.
    do {
        let ended = try wasi.run(module, in: store.store)
        unsafe trap?.pointee = nil
        unsafe status?.pointee = ended
        return true
    } catch {
        let failure = TrapObject.of(error, in: store)
        if let trap = unsafe trap { unsafe trap.pointee = unsafe Handle.make(failure) }
        return false
    }
}

@c @implementation
public func apus_wasi_instantiate(
    _ wasi: OpaquePointer?, _ store: OpaquePointer?, _ module: OpaquePointer?,
    _ trap: UnsafeMutablePointer<OpaquePointer?>?
) -> OpaquePointer? {
    // SAFETY: `Handle` looks at each pointer's mark before it believes anything of it.
    // `instantiating` says what `trap` is.
    let wasi = unsafe Handle.borrow(wasi, as: WASIObject.self).wasi
    let store = unsafe Handle.borrow(store, as: StoreObject.self)
    let module = unsafe Handle.borrow(module, as: ModuleObject.self).module
    return unsafe instantiating(store, trap) { try wasi.instantiate(module, in: store.store) }
}

internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import ApusLocks
internal import CApusHost

/// A function of the host: what it does, and how wasm calls it, in any number of instances and
/// stores. Each of them has a context of its own for it (`HostContexts`).
@safe
public final class HostFunction: @unchecked Sendable {
    // SAFETY: everything is set in init but `entries`, which has a lock. Who passes one from thread
    // to thread answers for its closure (`HostImports`).
    public typealias Body = (borrowing HostFrame) throws -> Void
    /// What an asynchronous function does, while the guest that has called it waits.
    public typealias AsynchronousBody =
        nonisolated(nonsending) (SuspendedFrame) async throws -> Void

    public let type: FunctionType
    /// Engine-wide id of the type, which whoever made this keeps.
    let signature: UInt32
    @usableFromInline let cellCount: Int
    /// Of an asynchronous function: what it does where nobody can wait for it.
    let body: Body
    /// nil: the function is no asynchronous one.
    let asynchronousBody: AsynchronousBody?
    /// Address of the code that calls it from wasm, which whoever made this keeps.
    let trampoline: UInt
    /// What enters it when the host calls it itself.
    private let entries: SystemMutex<SharedTrampolines?>

    init(
        _ type: FunctionType, _ layout: ArgumentLayout, signature: UInt32, trampoline: UInt,
        entries: SharedTrampolines? = nil, asynchronous: AsynchronousBody? = nil,
        _ body: @escaping Body
    ) {
        precondition(layout.fits(type))
        self.type = type
        self.body = body
        asynchronousBody = asynchronous
        self.signature = signature
        self.trampoline = trampoline
        self.entries = SystemMutex(entries)
        cellCount = layout == .packed ? type.results.count : Int(layout.bytes(type) / 8)
    }

    /// Address of the trampoline that calls it from the host; it stays as long as the function.
    func entry(
        _ layout: ArgumentLayout, _ cache: TrampolineCache
    ) throws(ResourceError) -> UInt {
        try entries.withLock { entries throws(ResourceError) in
            if let entries { return entries.entry(layout) }
            let made = try cache.trampolines(type)
            entries = made
            return made.entry(layout)
        }
    }
}

/// The contexts of host functions in one instance or store, as wasm sees them.
@safe
struct HostContexts: ~Copyable {
    // SAFETY: `base` is an allocation of `count` contexts that this value alone owns; indices are
    // below that. Compiled code finds them only through the instance or store that has this.
    private let base: UnsafeMutablePointer<apus_host_context>?
    let count: Int

    init(count: Int) throws(ResourceError) {
        self.count = count
        if count == 0 {
            // SAFETY: there is nothing to point to.
            unsafe base = nil
            return
        }
        // SAFETY: the allocation has room for `count` contexts, all zeros.
        let bytes = unsafe UInt64(count * MemoryLayout<apus_host_context>.stride)
        guard let memory = unsafe apus_allocate(bytes) else {
            throw ResourceError(.context, requested: bytes)
        }
        unsafe base = memory.assumingMemoryBound(to: apus_host_context.self)
    }

    // SAFETY: the allocation is this value's alone, or null; nobody runs code of the contexts any
    // more.
    deinit { unsafe apus_free(base) }

    private func context(_ index: Int) -> UnsafeMutablePointer<apus_host_context> {
        // SAFETY: callers have an index below `count`, so there is an allocation, and the context
        // is in it.
        unsafe base.unsafelyUnwrapped + index
    }

    /// Makes a context that of `function`, which must be kept as long as it is used.
    func write(_ index: Int, _ function: HostFunction, trapExit: UInt) {
        // SAFETY: the context is in the allocation; the caller keeps the function as long as the
        // context is used.
        let host = unsafe context(index)
        let words = ClosureWords(function.body)
        let owner = unsafe Unmanaged.passUnretained(function).toOpaque()
        unsafe host.pointee.closure_code = UnsafeRawPointer(bitPattern: words.code)
        unsafe host.pointee.closure_state = UnsafeRawPointer(bitPattern: words.state)
        unsafe host.pointee.attended = UnsafeRawPointer(bitPattern: HostCall.attendedAddress)
        if function.asynchronousBody != nil {
            unsafe host.pointee.direct_code = unsafe host.pointee.closure_code
            unsafe host.pointee.direct_attended = unsafe host.pointee.attended
            unsafe host.pointee.closure_code = UnsafeRawPointer(
                bitPattern: apus_suspending_closure_address())
            unsafe host.pointee.attended = UnsafeRawPointer(
                bitPattern: apus_suspending_attended_address())
        }
        unsafe host.pointee.closure_failed = UnsafeRawPointer(bitPattern: HostCall.failedAddress)
        unsafe host.pointee.head.trap_exit = UnsafeRawPointer(bitPattern: trapExit)
        unsafe host.pointee.head.owner = owner
        unsafe host.pointee.record.code = UnsafeMutableRawPointer(bitPattern: function.trampoline)
        unsafe host.pointee.record.context =
            UnsafeMutableRawPointer(host).assumingMemoryBound(to: apus_context.self)
        unsafe host.pointee.record.signature = function.signature
        unsafe host.pointee.record.owner = owner
    }

    /// Makes a context one of `store`.
    @inline(__always)
    func bind(_ index: Int, _ store: RuntimeStore) {
        // SAFETY: the context is in the allocation; the store, whose context outlives it, is the
        // one that has it.
        unsafe context(index).pointee.head.store_context = unsafe store.context
    }

    /// The function of a context as a value.
    func record(_ index: Int) -> UnsafeMutablePointer<apus_funcref> {
        // SAFETY: the context is in the allocation, and the record in the context.
        let offset = unsafe MemoryLayout<apus_host_context>.offset(of: \.record) ?? 0
        return unsafe (UnsafeMutableRawPointer(context(index)) + offset)
            .assumingMemoryBound(to: apus_funcref.self)
    }
}

/// The two words of a closure: its code, and the context that the code finds its captures in.
private struct ClosureWords {
    let code: UInt
    let state: UInt

    /// A closure in a structure has the convention of its own type; by itself it would get one for
    /// values of any type.
    private struct Box { var body: HostFunction.Body }

    // SAFETY: a closure is these two words. They are good for as long as `body` is kept.
    init(_ body: @escaping HostFunction.Body) {
        (code, state) = unsafe unsafeBitCast(Box(body: body), to: (UInt, UInt).self)
    }
}

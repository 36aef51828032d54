internal import ApusABI
public import ApusFormat
internal import CApusHost

/// What a host function sees of its call.
///
/// The cells hold the arguments when the function starts, one each, two for a v128, and must hold
/// the results likewise when it returns. An i32 or f32 takes the low half of its cell; what the
/// upper half holds does not matter. If the arguments are packed there is only the cell of the
/// result.
@safe
public struct HostFrame: ~Escapable {
    // SAFETY: `cells` has `count` cells of the host trampoline's frame, which lives until the
    // host function returns; the type cannot outlive that. `function` and its store live then.
    @usableFromInline let cells: UnsafeMutablePointer<UInt64>
    @usableFromInline let function: Unmanaged<HostFunction>

    @_lifetime(immortal)
    init(_ cells: UnsafeMutablePointer<UInt64>, _ function: HostFunction) {
        unsafe self.cells = cells
        unsafe self.function = .passUnretained(function)
    }

    /// Number of cells: as many as the function has parameters or results, whichever is more; only
    /// the results count if the arguments are packed.
    @inlinable public var count: Int {
        @inline(__always) get { unsafe function._withUnsafeGuaranteedRef { $0.cellCount } }
    }

    /// The bits of a cell.
    public subscript(index: Int) -> UInt64 {
        @inlinable @inline(__always) get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            return unsafe cells[index]
        }
        @inlinable @inline(__always) nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            unsafe cells[index] = newValue
        }
    }

    /// The arguments, which are packed.
    ///
    /// Unsafe: they must be what `PackedArguments.areNumbers` says of the function's type.
    @unsafe @inlinable @inline(__always)
    public func arguments<Arguments>(as type: Arguments.Type) -> Arguments {
        unsafe UnsafeRawPointer(cells + 1).assumingMemoryBound(to: type).pointee
    }

    /// Leaves the result of a function whose arguments are packed.
    ///
    /// Unsafe: it must have one.
    @unsafe @inlinable @inline(__always)
    public func setResult(_ bits: UInt64) { unsafe cells.pointee = bits }

    /// The store in which the call happens.
    public var store: RuntimeStore { unsafe function._withUnsafeGuaranteedRef { unsafe $0.store } }

    /// The instance whose code made the call; nil if the host called the function directly.
    public var caller: InstanceState? {
        unsafe function._withUnsafeGuaranteedRef { unsafe $0.store.callingInstance }
    }

    /// The bytes of the memory that the calling instance exports as "memory"; nil if there is
    /// none.
    ///
    /// Unsafe: they are there until the host function returns.
    @unsafe public var callerMemory: UnsafeMutableRawBufferPointer? {
        unsafe function._withUnsafeGuaranteedRef { unsafe $0.store.callerMemory }
    }
}

/// A function of the host in a store.
@safe
public final class HostFunction {
    // SAFETY: `context` and `record` are one allocation that this object owns. The store keeps
    // the object for its whole life, and compiled code finds it only through the store's things.
    public typealias Body = (borrowing HostFrame) throws -> Void

    public let type: FunctionType
    unowned(unsafe) let store: RuntimeStore
    @usableFromInline let cellCount: Int
    let body: Body
    let context: UnsafeMutablePointer<apus_context>
    private let record: UnsafeMutablePointer<apus_funcref>
    private let signature: UInt32
    private let environment: RuntimeEnvironment

    init(
        _ type: FunctionType, _ layout: ArgumentLayout, in store: RuntimeStore,
        _ body: @escaping Body
    ) throws(ResourceError) {
        precondition(layout.fits(type))
        let environment = store.environment
        let trampoline = try environment.trampolines.host(type, layout)
        let signature = try environment.signatures.acquire(type)
        let bytes = unsafe UInt64(MemoryLayout<apus_host_context>.stride)
        guard let memory = unsafe apus_allocate(bytes) else {
            environment.signatures.release([signature])
            throw ResourceError(.context, requested: bytes)
        }
        self.type = type
        unsafe self.store = store
        self.body = body
        self.signature = signature
        self.environment = environment
        cellCount = layout == .packed ? type.results.count : Int(layout.bytes(type) / 8)
        let host = unsafe memory.assumingMemoryBound(to: apus_host_context.self)
        let recordOffset = unsafe MemoryLayout.offset(of: \apus_host_context.record) ?? 0
        unsafe context = memory.assumingMemoryBound(to: apus_context.self)
        unsafe record = (memory + recordOffset).assumingMemoryBound(to: apus_funcref.self)
        let words = ClosureWords(body)
        unsafe host.pointee.closure_code = UnsafeRawPointer(bitPattern: words.code)
        unsafe host.pointee.closure_state = UnsafeRawPointer(bitPattern: words.state)
        unsafe host.pointee.closure_failed = UnsafeRawPointer(bitPattern: HostCall.failedAddress)
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe context.pointee.store_context = store.context
        unsafe context.pointee.trap_exit = UnsafeRawPointer(
            bitPattern: environment.trampolines.trapExit)
        unsafe context.pointee.owner = owner
        unsafe record.pointee.code = UnsafeMutableRawPointer(bitPattern: trampoline)
        unsafe record.pointee.context = context
        unsafe record.pointee.signature = signature
        unsafe record.pointee.owner = owner
    }

    deinit {
        environment.signatures.release([signature])
        unsafe apus_free(context)
    }

    public var reference: FunctionReference { unsafe FunctionReference(record) }
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

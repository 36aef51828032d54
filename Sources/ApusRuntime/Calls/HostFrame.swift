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
    // host function returns; the type cannot outlive that. `function`, its context `host` and
    // their store live then.
    @usableFromInline let cells: UnsafeMutablePointer<UInt64>
    @usableFromInline let function: Unmanaged<HostFunction>
    private let host: UnsafeRawPointer

    @_lifetime(immortal)
    init(
        _ cells: UnsafeMutablePointer<UInt64>, _ function: HostFunction,
        _ host: UnsafeMutablePointer<apus_context>
    ) {
        // SAFETY: the cells are those of the trampoline that has called, which waits; the function
        // and its context are kept by the store that is in the call.
        unsafe self.cells = cells
        unsafe self.function = .passUnretained(function)
        unsafe self.host = UnsafeRawPointer(host)
    }

    /// Number of cells: as many as the function has parameters or results, whichever is more; only
    /// the results count if the arguments are packed.
    @inlinable public var count: Int {
        // SAFETY: the function lives as long as the call: see `cells`.
        @inline(__always) get { unsafe function._withUnsafeGuaranteedRef { $0.cellCount } }
    }

    /// The bits of a cell.
    public subscript(index: Int) -> UInt64 {
        // SAFETY: the index is below `count`, as the precondition says, and there are so many
        // cells.
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
        // SAFETY: the caller says that the arguments are packed as `Arguments`, behind the first
        // cell, and initialised.
        unsafe UnsafeRawPointer(cells + 1).assumingMemoryBound(to: type).pointee
    }

    // SAFETY: there is at least one cell, in which packed functions have their result.
    /// Leaves the result of a function whose arguments are packed.
    ///
    /// Unsafe: it must have one.
    @unsafe @inlinable @inline(__always)
    public func setResult(_ bits: UInt64) { unsafe cells.pointee = bits }

    // SAFETY: the store is in the call, and so is kept.
    /// The store in which the call happens.
    public var store: RuntimeStore { unsafe storeReference.takeUnretainedValue() }

    private var storeReference: Unmanaged<RuntimeStore> {
        // SAFETY: a host function's context has its store's, which has the address of its store;
        // all live during the call.
        let context = unsafe host.assumingMemoryBound(to: apus_context.self)
        return unsafe .fromOpaque(context.pointee.store_context.pointee.store)
    }

    /// The instance whose code made the call; nil if the host called the function directly.
    public var caller: InstanceState? {
        // SAFETY: the store is in the call, and so is kept.
        unsafe storeReference._withUnsafeGuaranteedRef { $0.callingInstance }
    }

    /// The bytes of the memory that the calling instance exports as "memory"; nil if there is
    /// none.
    ///
    /// Unsafe: they are there until the host function returns.
    @unsafe public var callerMemory: UnsafeMutableRawBufferPointer? {
        // SAFETY: the store is in the call, and so is kept.
        unsafe storeReference._withUnsafeGuaranteedRef { unsafe $0.callerMemory }
    }
}

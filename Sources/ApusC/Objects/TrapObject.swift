@_spi(ApusC) internal import Apus
internal import ApusWASI
internal import CApusC
internal import Synchronization

/// Why a call did not return.
final class TrapObject: Referent {
    override class var kind: UInt32 { apus_kind_trap.rawValue }

    /// In the words of whoever made it, without a final zero.
    let message: [UInt8]
    let code: apus_trap_code_enum
    /// The status that a program has ended itself with.
    let exitStatus: Int32?
    /// The functions that had not returned, innermost first.
    private(set) var frames: [LeftFrame] = []
    private(set) var isTruncated = false
    /// The store whose guests it has left last, which it does not keep.
    private weak var store: StoreObject?
    /// Of its kind in the order in which calls have ended: when `frames` were found.
    private var number: UInt64 = 0
    /// What is thrown to go on with this.
    private var thrown: (any Error)?

    /// A trap of the host's.
    init(_ message: [UInt8]) {
        self.message = message
        code = APUS_TRAP_HOST
        exitStatus = nil
    }

    /// A trap that throws `exception` where a callback returns it.
    convenience init(throwing exception: WasmException, in store: StoreObject) {
        self.init(exception as any Error, in: store)
    }

    /// The exception that it is.
    var exception: WasmException? { thrown as? WasmException }

    /// What a call in `store` threw.
    private init(_ error: any Error, in store: StoreObject?) {
        self.store = store
        var frames: [Trap.Frame] = []
        exitStatus = (error as? WASI.Exit)?.status
        switch error {
        case let trap as Trap:
            code = Self.code(trap.code)
            message = Self.bytes(trap.message.map { "\(trap.code): \($0)" } ?? "\(trap.code)")
            frames = trap.backtrace
            isTruncated = trap.isTruncated
        case let exception as WasmException:
            code = APUS_TRAP_EXCEPTION
            var bare = "\(exception)"[...]
            if let end = bare.firstIndex(of: "\n") { bare = bare[..<end] }
            message = Self.bytes(String(bare))
            frames = exception.backtrace
            isTruncated = exception.isTruncated
            thrown = exception
        case let exit as WASI.Exit:
            code = APUS_TRAP_EXIT
            message = Self.bytes("the program has ended with the status \(exit.status)")
            thrown = exit
        default:
            code = APUS_TRAP_HOST
            message = Self.bytes("\(error)")
        }
        super.init()
        add(frames, of: store)
    }

    /// The trap that `error`, which a call in `store` threw, is to C.
    static func of(_ error: any Error, in store: StoreObject?) -> TrapObject {
        let trap = (error as? HostTrap)?.trap ?? TrapObject(error, in: store)
        LastError.note(LastError.kind(of: error), String(decoding: trap.message, as: UTF8.self))
        // Whoever is called from within sees it first, with all frames of the store that there are.
        if error is HostTrap, let store, trap.frames.isEmpty || trap.store !== store {
            trap.add(store.store.lastBacktrace, of: store)
        }
        trap.number = numbers.wrappingAdd(1, ordering: .relaxed).newValue
        return trap
    }

    private static let numbers = Atomic<UInt64>(0)

    /// How many calls have ended in a trap.
    static var count: UInt64 { numbers.load(ordering: .relaxed) }

    private func add(_ frames: [Trap.Frame], of store: StoreObject?) {
        self.frames += frames.map { LeftFrame(frame: $0, store: store) }
        self.store = store
    }

    /// What a callback throws that has returned this, and has begun after `count` calls had ended
    /// in a trap. Frames that were found before say nothing of where it is thrown now.
    func error(since count: UInt64) -> any Error {
        if let thrown { return thrown }
        if number <= count {
            frames = []
            isTruncated = false
        }
        return HostTrap(trap: self)
    }

    /// The message, and below it a line for each frame.
    var description: String {
        var text = String(decoding: message, as: UTF8.self)
        for left in frames { text += "\n  at \(left.frame)" }
        if isTruncated { text += "\n  …" }
        return text
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func code(_ code: TrapCode) -> apus_trap_code_enum {
        switch code {
        case .none, .hostError: APUS_TRAP_HOST
        case .unreachable: APUS_TRAP_UNREACHABLE
        case .memoryOutOfBounds: APUS_TRAP_MEMORY_OUT_OF_BOUNDS
        case .tableOutOfBounds: APUS_TRAP_TABLE_OUT_OF_BOUNDS
        case .undefinedElement: APUS_TRAP_UNDEFINED_ELEMENT
        case .uninitializedElement: APUS_TRAP_UNINITIALIZED_ELEMENT
        case .indirectCallTypeMismatch: APUS_TRAP_INDIRECT_CALL_TYPE_MISMATCH
        case .integerDivideByZero: APUS_TRAP_INTEGER_DIVIDE_BY_ZERO
        case .integerOverflow: APUS_TRAP_INTEGER_OVERFLOW
        case .invalidConversionToInteger: APUS_TRAP_INVALID_CONVERSION_TO_INTEGER
        case .stackExhausted: APUS_TRAP_STACK_EXHAUSTED
        case .nullReference, .nullFunctionReference, .nullStructureReference,
            .nullArrayReference, .nullIntegerReference, .nullExceptionReference:
            APUS_TRAP_NULL_REFERENCE
        case .unalignedAtomic: APUS_TRAP_UNALIGNED_ATOMIC
        case .expectedSharedMemory: APUS_TRAP_EXPECTED_SHARED_MEMORY
        case .arrayOutOfBounds: APUS_TRAP_ARRAY_OUT_OF_BOUNDS
        case .castFailure: APUS_TRAP_CAST_FAILURE
        case .allocationTooLarge: APUS_TRAP_ALLOCATION_TOO_LARGE
        case .heapExhausted: APUS_TRAP_HEAP_EXHAUSTED
        case .interrupted: APUS_TRAP_INTERRUPTED
        case .outOfFuel: APUS_TRAP_OUT_OF_FUEL
        case .exception: APUS_TRAP_EXCEPTION
        }
    }
}

// SAFETY: it stays on the thread that calls the guests.
/// A trap of the host's on its way through guests.
struct HostTrap: Error, CustomStringConvertible, @unchecked Sendable {
    let trap: TrapObject

    var description: String { trap.description }
}

/// A function that a trap has left. Guests may hold the trap, so it does not keep their store.
struct LeftFrame {
    let frame: Trap.Frame
    weak var store: StoreObject?
}

/// A function that had not returned when a guest trapped.
@safe
final class FrameObject: HandleObject {
    static var kind: UInt32 { apus_kind_frame.rawValue }

    let frame: Trap.Frame
    private let store: StoreObject?
    // SAFETY: this object's own handle, which goes with it.
    /// The handle of the instance that was lent.
    private var lent: OpaquePointer?

    init(_ left: LeftFrame) {
        frame = left.frame
        store = left.store
        // SAFETY: there is no handle to keep yet.
        unsafe lent = nil
    }

    // SAFETY: the handle is this object's own, or NULL, which is nothing to delete.
    deinit { unsafe wasm_instance_delete(lent) }

    /// A handle for its instance, which is good as long as this; nil if that cannot be told.
    var instance: OpaquePointer? {
        // SAFETY: the handle is this object's own, made once, and given up in `deinit`.
        if let lent = unsafe lent { return unsafe lent }
        guard let store, let instance = frame.instance(in: store.store) else { return nil }
        unsafe lent = unsafe Handle.make(InstanceObject(instance, in: store))
        return unsafe lent
    }
}

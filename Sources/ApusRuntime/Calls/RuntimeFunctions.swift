internal import ApusABI
internal import ApusCollections
internal import CApusHost

/// The functions of the runtime that compiled code calls, by their number in `RuntimeFunction`.
///
/// All have one C signature, so that the stub that calls them need not know which it is.
enum RuntimeFunctions {
    // SAFETY: only the type of a C function.
    typealias Entry =
        @convention(c) (
            UnsafeMutablePointer<apus_context>, UInt64, UInt64, UInt64, UInt64, UInt64
        ) -> UInt64

    // SAFETY: written once, here, and never freed.
    /// The table that every context points to.
    nonisolated(unsafe) static let table: UnsafePointer<UnsafeRawPointer?> = {
        let count = RuntimeFunction.allCases.count
        let table = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: count)
        for function in RuntimeFunction.allCases {
            unsafe table[Int(function.rawValue)] = unsafeBitCast(
                entry(function), to: UnsafeRawPointer.self)
        }
        for (slot, function) in waiting.enumerated() {
            let direct = unsafe UInt(bitPattern: table[Int(function.rawValue)])
            unsafe table[Int(function.rawValue)] = UnsafeRawPointer(
                bitPattern: apus_waiting_function(UInt32(slot), direct))
        }
        return unsafe UnsafePointer(table)
    }()

    /// Those that may have to wait, where the guest has a stack of its own.
    private static let waiting: [RuntimeFunction] = {
        let functions: [RuntimeFunction] = [
            .memoryGrow, .tableGrow, .memoryWait32, .memoryWait64, .objectNew, .structNew,
            .arrayNew, .arrayNewFilled, .arrayNewVectors, .arrayNewData, .arrayNewElements,
            .exceptionMake,
        ]
        precondition(functions.count == Int(apus_waiting_function_count))
        return functions
    }()

    // SAFETY: each may only be called as `RuntimeFunction` says, which compiled code does.
    private static func entry(_ function: RuntimeFunction) -> Entry {
        switch function {
        case .memoryGrow: unsafe memoryGrow
        case .memoryFill: unsafe memoryFill
        case .memoryCopy: unsafe memoryCopy
        case .dataDrop: unsafe dataDrop
        case .tableGrow: unsafe tableGrow
        case .tableFill: unsafe tableFill
        case .tableCopy: unsafe tableCopy
        case .elementDrop: unsafe elementDrop
        case .memoryWait32: unsafe memoryWait32
        case .memoryWait64: unsafe memoryWait64
        case .memoryNotify: unsafe memoryNotify
        case .objectNew: unsafe objectNew
        case .structNew: unsafe structNew
        case .arrayNew: unsafe arrayNew
        case .arrayNewFilled: unsafe arrayNewFilled
        case .arrayNewVectors: unsafe arrayNewVectors
        case .arrayNewData: unsafe arrayNewData
        case .arrayNewElements: unsafe arrayNewElements
        case .arrayFill: unsafe arrayFill
        case .arrayFillVectors: unsafe arrayFillVectors
        case .arrayCopy: unsafe arrayCopy
        case .arrayInitData: unsafe arrayInitData
        case .arrayInitElements: unsafe arrayInitElements
        case .exceptionMake: unsafe exceptionMake
        case .exceptionThrow: unsafe exceptionThrow
        case .functionCompile: unsafe functionCompile
        case .heat: unsafe heat
        case .stop: unsafe stop
        }
    }

    /// Makes the calling stub leave wasm with `code`.
    static func setTrap(_ context: UnsafeMutablePointer<apus_context>, _ code: TrapCode) {
        // SAFETY: a context that runs has its store's, which outlives it.
        guard let store = unsafe context.pointee.store_context else { return }
        unsafe store.pointee.trap = UInt32(code.rawValue)
    }

    /// Takes `cost` from the store's fuel, if that is metered. If there is too little, makes the
    /// calling stub leave wasm, and returns false.
    @discardableResult
    static func pay(_ context: UnsafeMutablePointer<apus_context>, _ cost: UInt64) -> Bool {
        // SAFETY: as in `canPay`, which has found that there is as much.
        guard unsafe canPay(context, cost) else { return false }
        guard let store = unsafe context.pointee.store_context,
            unsafe store.pointee.is_metered != 0
        else { return true }
        unsafe store.pointee.fuel -= Int64(cost)
        return true
    }

    /// Whether there is as much fuel as `cost`, or it is not metered. If not, makes the calling
    /// stub leave wasm.
    static func canPay(_ context: UnsafeMutablePointer<apus_context>, _ cost: UInt64) -> Bool {
        // SAFETY: a context that runs has its store's. The fuel is there, and not in a register,
        // since the stub has put it there.
        guard let store = unsafe context.pointee.store_context,
            unsafe store.pointee.is_metered != 0
        else { return true }
        if unsafe cost <= UInt64(max(0, store.pointee.fuel)) { return true }
        unsafe setTrap(context, .outOfFuel)
        return false
    }

    /// Whether the guest need not stop. If it must, the calling stub leaves wasm.
    static func mayGoOn(_ context: UnsafeMutablePointer<apus_context>) -> Bool {
        if apus_this_thread_is_interrupted() == 0 { return true }
        // SAFETY: the context is one that runs: callers have it from compiled code.
        //
        // A request to a store around this one is not in this one's context, where the stub looks.
        unsafe setTrap(context, .interrupted)
        return false
    }

    // SAFETY: the context is one that runs: callers have it from compiled code.
    /// Pays `cost` and works on `count` things, one piece of `size` of them after the other, until
    /// the guest is to stop.
    @inline(__always)
    static func inPieces(
        _ context: UnsafeMutablePointer<apus_context>, _ count: Int, of size: Int, cost: UInt64,
        backward: Bool, _ body: (_ offset: Int, _ length: Int) -> Void
    ) -> UInt64 {
        guard unsafe pay(context, cost) else { return 0 }
        Pieces.forEach(
            in: count, of: size, backward: backward, mayGoOn: { unsafe mayGoOn(context) }, body)
        return 0
    }

    // SAFETY: the context is one that runs: callers have it from compiled code.
    /// Makes the calling stub leave wasm with `code`: the result of a function that has nothing to
    /// give.
    static func nothing(
        _ context: UnsafeMutablePointer<apus_context>, but code: TrapCode
    ) -> UInt64 {
        unsafe setTrap(context, code)
        return 0
    }

    /// What `work` gives. If it throws, makes the calling stub leave wasm with the error.
    static func orFail(_ instance: InstanceState, _ work: () throws -> UInt64?) -> UInt64? {
        do {
            return try work()
        } catch {
            instance.store.fail(error)
            return nil
        }
    }

    // SAFETY: only contexts of instances have the table of runtime functions; their owner is an
    // InstanceState that the store keeps.
    /// Calls `body` with the instance that `context` belongs to.
    @inline(__always)
    static func withInstance<Result>(
        _ context: UnsafeMutablePointer<apus_context>, _ body: (InstanceState) -> Result
    ) -> Result {
        let owner = unsafe context.pointee.owner.unsafelyUnwrapped
        return unsafe Unmanaged<InstanceState>.fromOpaque(owner)._withUnsafeGuaranteedRef {
            body($0)
        }
    }
}

@_spi(ApusC) @_spi(ApusWASI) internal import Apus
internal import CApusC

/// A function of C's that guests call, and what it is called with.
@safe
final class Callback {
    // SAFETY: only the addresses of C functions, which the embedder keeps as long as it says; see
    // `function`.
    /// What is called.
    @unsafe enum Function {
        case plain(wasm_func_callback_t)
        case withEnvironment(wasm_func_callback_with_env_t)
        case withCaller(apus_func_callback_t)
        case withCells(apus_func_callback_cells_t)
    }

    // SAFETY: functions and environment are the embedder's, who says by the finalizer that they are
    // needed until that is called. `store` keeps this, and is there whenever a guest of it runs,
    // since calls are made through something that has it.
    private let function: Function
    private let environment: HostInfo
    private let type: FunctionType
    private unowned let store: StoreObject
    private let cellCount: Int

    init(
        _ function: Function, _ environment: HostInfo, _ type: FunctionType, _ store: StoreObject
    ) {
        // SAFETY: kept as the properties say.
        unsafe self.function = unsafe function
        self.environment = environment
        self.type = type
        self.store = store
        let count = { (types: [ValueType]) in
            types.reduce(0) { $0 + ($1 == .v128 ? 2 : 1) }
        }
        cellCount = max(count(type.parameters), count(type.results))
    }

    /// The function in its store.
    func make() throws -> FunctionObject {
        store.engine.keep(type)
        let made = try Apus.Function(store.store, type, cells: { try self.perform($0) })
        return FunctionObject(made, in: store)
    }

    private func perform(_ call: borrowing CellCall) throws {
        // SAFETY: which function it is says how it is to be called; the room is lent for the call,
        // and `perform` fills what it reads.
        if case .withCells(let function) = unsafe function {
            return try unsafe performWithCells(call, function)
        }
        let count = max(type.parameters.count + type.results.count, 1)
        try unsafe withUnsafeTemporaryAllocation(of: wasm_val_t.self, capacity: count) { room in
            try unsafe perform(call, room)
        }
    }

    // SAFETY: the first `filled` values are there, and owned, until the end.
    /// Makes the call with room for arguments and results.
    private func perform(
        _ call: borrowing CellCall, _ room: UnsafeMutableBufferPointer<wasm_val_t>
    ) throws {
        guard let room = room.baseAddress else { return }
        let count = type.parameters.count
        var filled = 0
        defer { for index in 0..<filled { unsafe wasm_val_delete(room + index) } }
        for (index, type) in type.parameters.enumerated() {
            try unsafe (room + index).initialize(to: argument(call, index, type))
            filled = index + 1
        }
        for (index, type) in type.results.enumerated() {
            unsafe (room + count + index).initialize(to: wasm_val_t(number: 0, type.valueKind))
            filled = count + index + 1
        }
        var arguments = unsafe wasm_val_vec_t(size: count, data: room)
        var results = unsafe wasm_val_vec_t(size: type.results.count, data: room + count)
        let before = TrapObject.count
        try unsafe end(perform(call, &arguments, &results), since: before)
        for (index, type) in type.results.enumerated() {
            call[index] = try unsafe result(room[count + index], of: type)
        }
    }

    /// Throws the trap that a callback has returned, which has begun after so many calls had ended
    /// in one.
    private func end(_ trap: OpaquePointer?, since count: UInt64) throws {
        // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The
        // callback has given it up by returning it.
        guard let trap = unsafe trap else { return }
        throw unsafe Handle.take(trap, as: TrapObject.self, "a callback").error(since: count)
    }

    private func argument(
        _ call: borrowing CellCall, _ index: Int, _ type: ValueType
    ) throws -> wasm_val_t {
        // SAFETY: the value's kind is set with its value; a reference is a handle that the
        // callback's arguments own.
        if type.isReference {
            let value = try Value((call[index], 0), of: type, in: store.store)
            return try unsafe wasm_val_t(value, in: store)
        }
        return unsafe wasm_val_t(number: call[index], type.valueKind)
    }

    private func result(_ value: wasm_val_t, of type: ValueType) throws -> UInt64 {
        // SAFETY: `kind` says which member the callback has set, as `wasm.h` asks; a reference is
        // looked at by `Handle`.
        if type.isReference {
            return try unsafe value.value(of: type, in: store, "a callback's results")
                .bits(in: store.store).0
        }
        guard unsafe value.kind == type.valueKind else {
            let found = unsafe ValueType(kind: value.kind).map { [$0] } ?? []
            throw TypeError(expected: [type], found: found, place: "a callback's results")
        }
        return unsafe value.number
    }

    private func perform(
        _ call: borrowing CellCall, _ arguments: UnsafePointer<wasm_val_vec_t>,
        _ results: UnsafeMutablePointer<wasm_val_vec_t>
    ) -> OpaquePointer? {
        // SAFETY: the function has the C type of its case; what it is given is there until it
        // returns, and the environment until its finalizer is called.
        switch unsafe function {
        case .plain(let function):
            return unsafe function(arguments, results)
        case .withEnvironment(let function):
            return unsafe function(environment.pointer, arguments, results)
        case .withCaller(let function):
            let caller = CallerObject(call.instance, store)
            return unsafe caller.lent { caller in
                unsafe function(environment.pointer, caller, arguments, results)
            }
        case .withCells:
            return nil
        }
    }

    private func performWithCells(
        _ call: borrowing CellCall, _ function: apus_func_callback_cells_t
    ) throws {
        let caller = CallerObject(call.instance, store)
        // SAFETY: the room has `cellCount` cells, all of which are initialised before the function
        // has them, which may use them until it returns.
        try unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: cellCount) { room in
            for index in 0..<cellCount { unsafe room.initializeElement(at: index, to: call[index]) }
            let before = TrapObject.count
            try unsafe end(
                caller.lent { unsafe function(environment.pointer, $0, room.baseAddress) },
                since: before)
            for index in 0..<cellCount { call[index] = unsafe room[index] }
        }
    }
}

/// Who calls a callback.
final class CallerObject: HandleObject {
    static var kind: UInt32 { apus_kind_caller.rawValue }

    let instance: Instance?
    let store: StoreObject

    init(_ instance: Instance?, _ store: StoreObject) {
        self.instance = instance
        self.store = store
    }

    /// Does `body` with a pointer that is good meanwhile.
    func lent<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        // SAFETY: the pointer is good until `body` is done, and told from others afterwards.
        unsafe Handle.lend(self, body)
    }
}

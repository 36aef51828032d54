public import ApusFormat
internal import Synchronization

/// Gives each function type an id that is the same in all modules of an engine, so that
/// `call_indirect` compares two numbers. Safe to use from many threads.
///
/// Types that name others keep them: a slot that is named is in use (`EngineTypes.swift`).
///
/// An id is given out again at the earliest when others have had its slot a thousand times; by then
/// nobody has it, since whoever has an id keeps its type.
public final class SignatureRegistry: Sendable {
    private struct State {
        var types = FunctionTypeTable()
        /// By slot of `types`: how often the type is in use, and how many had the slot before.
        var uses: [Int] = []
        var generations: [UInt32] = []
    }

    /// An id is a slot plus one, so that no type has 0, and above it the slot's generation.
    private static var slotBits: UInt32 { 22 }
    private static var slotLimit: Int { 1 << 22 - 1 }
    private static var generationLimit: UInt32 { 1 << 10 - 1 }

    private let state = Mutex(State())

    public init() {}

    /// The id of `type`, one of the engine's, which stays valid until it has been released as often
    /// as it was acquired.
    public func acquire(_ type: FunctionType) throws(ResourceError) -> UInt32 {
        try state.withLock { state throws(ResourceError) in
            guard type.namesTypes else { return try Self.acquire(type, &state) }
            for named in (type.parameters + type.results).compactMap(\.namedType) {
                let slot = Int(named)
                guard slot < state.uses.count, state.uses[slot] > 0 else {
                    throw ResourceError(.foreignType, requested: UInt64(named))
                }
                // As its own functions show it, a type that names itself names its slot.
                if let known = state.types.type(slot), Self.shown(known, slot) == type {
                    return try Self.acquire(known, &state)
                }
            }
            return try Self.acquire(type, &state)
        }
    }

    /// The ids of a module's `types`, each acquired once, in order. A type names itself or earlier
    /// ones.
    public func acquire(_ types: [FunctionType]) throws(ResourceError) -> [UInt32] {
        try state.withLock { state throws(ResourceError) in
            var ids: [UInt32] = []
            ids.reserveCapacity(types.count)
            for type in types {
                var type = type
                if type.namesTypes {
                    type = type.renaming { index in
                        Int(index) < ids.count ? Self.heapType(ids[Int(index)]) : .itself
                    }
                }
                do throws(ResourceError) {
                    ids.append(try Self.acquire(type, &state))
                } catch {
                    for id in ids { Self.release(id, &state) }
                    throw error
                }
            }
            return ids
        }
    }

    /// Gives back one acquisition of each of `ids`.
    public func release(_ ids: [UInt32]) {
        state.withLock { state in
            for id in ids { Self.release(id, &state) }
        }
    }

    /// The type whose id is `id`, if it is in use.
    public func type(_ id: UInt32) -> FunctionType? {
        state.withLock { state in
            Self.slot(id, state).flatMap { slot in
                state.types.type(slot).map { Self.shown($0, slot) }
            }
        }
    }

    /// What references to functions of the type with this id refer to.
    public static func heapType(_ id: UInt32) -> HeapType {
        HeapType(typeIndex: id & (1 << slotBits - 1) &- 1)
    }

    /// Keeps the function type that `type` names, if it names one, until it is released. Returns
    /// false if it is not in use.
    func retain(_ type: ValueType) -> Bool {
        guard let named = type.namedType else { return true }
        return state.withLock { state in
            guard Int(named) < state.uses.count, state.uses[Int(named)] > 0 else { return false }
            state.uses[Int(named)] += 1
            return true
        }
    }

    /// Ends what `retain` began.
    func release(_ type: ValueType) {
        guard let named = type.namedType else { return }
        state.withLock { state in Self.release(slot: Int(named), &state) }
    }

    /// `type` as others see it: where it names itself, it has a slot now.
    private static func shown(_ type: FunctionType, _ slot: Int) -> FunctionType {
        guard type.namesTypes else { return type }
        let own = HeapType(typeIndex: UInt32(truncatingIfNeeded: slot))
        return type.renaming { HeapType(typeIndex: $0) == .itself ? own : HeapType(typeIndex: $0) }
    }

    /// Slots that `type` names beside its own, once for each time.
    private static func named(_ type: FunctionType) -> [Int] {
        (type.parameters + type.results).compactMap { value in
            guard let named = value.namedType, value.heapType != .itself else { return nil }
            return Int(named)
        }
    }

    /// How many types are in use.
    public var count: Int { state.withLock { state in state.types.count } }

    private static func acquire(
        _ type: FunctionType, _ state: inout State
    ) throws(ResourceError) -> UInt32 {
        let (slot, isNew) = state.types.insert(type)
        if isNew {
            guard slot < slotLimit else {
                state.types.remove(slot)
                throw ResourceError(
                    .signature, requested: UInt64(slot) + 1, limit: UInt64(slotLimit))
            }
            if slot == state.uses.count {
                state.uses.append(0)
                state.generations.append(0)
            }
            if type.namesTypes {
                for named in named(type) { state.uses[named] += 1 }
            }
        }
        state.uses[slot] += 1
        return state.generations[slot] << slotBits | UInt32(truncatingIfNeeded: slot + 1)
    }

    private static func release(_ id: UInt32, _ state: inout State) {
        guard let slot = slot(id, state) else { return }
        release(slot: slot, &state)
    }

    private static func release(slot: Int, _ state: inout State) {
        // Chains of types that name each other can be long: no recursion.
        var pending = [slot]
        while let slot = pending.popLast() {
            state.uses[slot] -= 1
            if state.uses[slot] > 0 { continue }
            if let type = state.types.type(slot), type.namesTypes { pending += named(type) }
            let generation = state.generations[slot]
            state.generations[slot] = generation < generationLimit ? generation + 1 : 0
            state.types.remove(slot)
        }
    }

    /// The slot that `id` names, if its type is in use.
    private static func slot(_ id: UInt32, _ state: borrowing State) -> Int? {
        let slot = Int(id & (1 << slotBits - 1)) - 1
        guard slot >= 0, slot < state.uses.count, state.uses[slot] > 0,
            state.generations[slot] == id >> slotBits
        else { return nil }
        return slot
    }
}

/// The engine-wide ids of one module's types, given back when the module goes.
public final class SharedSignatures: Sendable {
    /// One id per type of the module.
    public let ids: [UInt32]
    private let registry: SignatureRegistry

    public init(_ types: [FunctionType], in registry: SignatureRegistry) throws(ResourceError) {
        self.registry = registry
        ids = try registry.acquire(types)
    }

    deinit { registry.release(ids) }
}

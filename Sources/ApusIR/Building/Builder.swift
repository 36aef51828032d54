public import ApusCollections

// Used by: translation, which makes functions with it.

/// Makes a function, one instruction after the other. What comes out is simpler than what was
/// asked for: constants are folded, algebra is applied, and what is known already is not computed
/// or loaded again.
///
/// What a block has computed, loaded or checked is known in the blocks that it dominates and in no
/// other. Whoever builds names the immediate dominator of each block that he opens; all the rest
/// follows from that.
public struct Builder: ~Copyable {
    public var function = Function()
    /// Of the WebAssembly instruction that is being translated, in its body.
    public var offset: UInt32 = 0
    /// Which writes the code at hand is behind.
    public var state = MemoryState()
    private var nextVersion: UInt32 = 1
    private var table = ValueTable()
    private var dominators = DominatorTree()
    /// The blocks whose values the table holds: the dominators of the block at hand, or some of
    /// them, from the entry down.
    private var scopes = Arena<Scope>(capacity: 64)
    /// What was known where it was asked for, if that is to be verified.
    private var knownUses = Arena<KnownUse>(capacity: 1)
    private var recordsKnownUses = false
    /// Of each value, how many of its low bits may not be 0.
    var widths = Arena<UInt8>(capacity: 1024)

    /// What the table holds of a block.
    // Not private: Swift 6.3's debug builds would refer to private metadata from other files.
    struct Scope: BitwiseCopyable {
        var block: Block
        /// Where its entries begin.
        var mark: Int
    }

    public init() {}

    /// Starts a new function.
    public mutating func begin() {
        function.removeAll()
        table.removeAll()
        dominators.removeAll()
        scopes.removeAll()
        knownUses.removeAll()
        widths.removeAll()
        state = MemoryState()
        nextVersion = 1
        offset = 0
    }

    // MARK: What is known

    /// Opens a block to which every way leads through `dominator`, the nearest such block; none
    /// for the entry. Forgets what is not known there.
    public mutating func openBlock(
        dominatedBy dominator: Block, loopDepth: UInt16 = 0, isCold: Bool = false
    ) -> Block {
        dominators.append(below: dominator)
        let block = function.openBlock(loopDepth: loopDepth, isCold: isCold)
        // The scopes are a chain: whatever dominates has all that is above it dominate, too.
        while !scopes.isEmpty, !dominators.dominates(scopes.last.block, block) {
            table.forget(since: scopes.removeLast().mark)
        }
        scopes.append(Scope(block: block, mark: table.mark))
        return block
    }

    /// The nearest block that every way to `one` and every way to `other` leads through.
    public mutating func dominator(of one: Block, _ other: Block) -> Block {
        dominators.meet(one, other)
    }

    /// The value that `key` stands for, if it is known here.
    @inline(__always)
    mutating func find(_ key: ValueTable.Key) -> Value? {
        guard let entry = table.find(key) else { return nil }
        if recordsKnownUses { noteUse(of: entry) }
        return entry.value
    }

    /// What it knows is to be verified from now on.
    public mutating func recordKnownUses() { recordsKnownUses = true }

    private mutating func noteUse(of entry: ValueTable.Entry) {
        // What floats is there before everything.
        if function[entry.value].operator.row.effects.contains(.floats) { return }
        knownUses.append(
            KnownUse(value: entry.value, learnedIn: entry.block, usedIn: scopes.last.block))
    }

    /// Calls `body` with what was taken for known so far, if that is recorded.
    public func forEachKnownUse(_ body: (KnownUse) -> Void) {
        for place in 0..<knownUses.count { body(knownUses[place]) }
    }

    @inline(__always)
    mutating func insert(_ key: ValueTable.Key, _ value: Value) {
        table.insert(key, value, in: scopes.last.block)
    }

    /// Notes that something of these kinds may have been written.
    public mutating func invalidate(_ set: AliasSet) {
        for alias in AliasClass.allCases where set.contains(AliasSet(alias)) {
            invalidate(alias)
        }
    }

    @inline(__always)
    private mutating func invalidate(_ alias: AliasClass) {
        state[alias] = nextVersion
        nextVersion &+= 1
    }

    /// Goes on where control comes from `state` or from `other`.
    public mutating func merge(_ other: MemoryState) {
        for alias in AliasClass.allCases where state[alias] != other[alias] {
            if alias != .field { invalidate(alias) }
        }
        state.merge(fieldsOf: other, nextVersion)
        nextVersion &+= 1
    }

    // MARK: Values

    /// The bits of `value` if it is a constant.
    @inline(__always)
    public mutating func constant(_ value: Value) -> UInt64? { function.constant(value) }

    /// A constant of any type but v128.
    @inline(__always)
    public mutating func constant(_ type: IRType, _ bits: UInt64) -> Value {
        let high = type.bits == 32 ? 0 : UInt32(truncatingIfNeeded: bits &>> 32)
        return number(
            Instruction(.constant, type, a: UInt32(truncatingIfNeeded: bits), b: high))
    }

    /// A constant v128.
    public mutating func constant(_ bits: VectorBits) -> Value {
        number(Instruction(.vectorConstant, .v128, a: index(of: bits)))
    }

    /// Where the function keeps `bits`.
    public mutating func index(of bits: VectorBits) -> UInt32 {
        // Of very many only the last ones are looked at.
        let first = max(function.vectors.count &- 64, 0)
        for index in first..<function.vectors.count where function.vectors[index] == bits {
            return UInt32(truncatingIfNeeded: index)
        }
        function.vectors.append(bits)
        return UInt32(truncatingIfNeeded: function.vectors.count &- 1)
    }

    /// The running instance's context.
    public mutating func context() -> Value { number(Instruction(.context, .i64)) }

    /// The result of an instruction that does nothing but compute.
    public mutating func value(_ instruction: Instruction) -> Value {
        var instruction = instruction
        if let known = simplify(&instruction) { return known }
        // Once it has not trapped it will not trap again.
        return number(instruction)
    }

    /// The value that `instruction` gives, which depends on nothing that changes.
    private mutating func number(_ instruction: Instruction) -> Value {
        let key = ValueTable.Key(instruction, version: 0)
        if let known = find(key) { return known }
        let floats = instruction.operator.row.effects.contains(.floats)
        let value = floats ? function.make(instruction, offset: 0) : append(instruction)
        if floats { noteWidth(instruction) }
        insert(key, value)
        return value
    }

    /// Appends an instruction as it is.
    @inline(__always) @discardableResult
    public mutating func append(_ instruction: Instruction) -> Value {
        let value = function.append(instruction, offset: offset)
        noteWidth(instruction)
        return value
    }

    @inline(__always)
    private mutating func noteWidth(_ instruction: Instruction) {
        widths.append(computeWidth(instruction))
    }

    /// Makes a parameter of the block that is being built.
    public mutating func appendParameter(_ type: IRType) -> Value {
        let value = function.appendParameter(type, offset: offset)
        widths.append(UInt8(truncatingIfNeeded: type.isGeneral ? type.bits : 64))
        return value
    }

    // MARK: Memory

    /// What is at `base` + `index` + `displacement`; `index` may be missing.
    public mutating func load(
        _ type: IRType, _ access: MemoryAccess, _ base: Value, _ index: Value = .none,
        _ displacement: Int32 = 0
    ) -> Value {
        let instruction = Instruction(
            .load, type, immediate: access.bits, a: base.number, b: index.number,
            c: UInt32(bitPattern: displacement))
        let key = ValueTable.Key(instruction, version: state.version(access, at: displacement))
        if let known = find(key) { return known }
        let value = append(instruction)
        insert(key, value)
        return value
    }

    /// Stores `value` at `base` + `index` + `displacement`.
    public mutating func store(
        _ value: Value, _ access: MemoryAccess, _ base: Value, _ index: Value = .none,
        _ displacement: Int32 = 0
    ) {
        let place = function.pool.count
        function.pool.append(value.number)
        function.pool.append(UInt32(bitPattern: displacement))
        append(
            Instruction(
                .store, .none, immediate: access.bits, a: base.number, b: index.number,
                c: UInt32(truncatingIfNeeded: place)))
        state.write(access, at: displacement, nextVersion)
        nextVersion &+= 1
        guard access.width == .full else { return }
        // A load of the same will find what was stored.
        let load = Instruction(
            .load, function.type(value), immediate: access.bits, a: base.number, b: index.number,
            c: UInt32(bitPattern: displacement))
        insert(ValueTable.Key(load, version: state.version(access, at: displacement)), value)
    }

    /// Loads or stores a lane of `vector`; the result is of a load.
    @discardableResult
    public mutating func accessLane(
        _ operation: Operator, _ access: MemoryAccess, _ vector: Value, lane: UInt32,
        _ base: Value, _ index: Value, _ displacement: Int32
    ) -> Value {
        let place = function.pool.count
        function.pool.append(vector.number)
        function.pool.append(UInt32(bitPattern: displacement))
        function.pool.append(lane)
        let value = append(
            Instruction(
                operation, operation == .loadLane ? .v128 : .none, immediate: access.bits,
                a: base.number, b: index.number, c: UInt32(truncatingIfNeeded: place)))
        if operation == .storeLane { invalidate(access.alias) }
        return value
    }

    /// Traps with `code` if `condition`, an i32, is not 0. Nothing that follows is reached if it
    /// never is: then the result is false.
    public mutating func trap(if condition: Value, code: UInt8) -> Bool {
        let condition = truth(condition)
        if let isTrue = decision(on: condition.value) { return isTrue != condition.isInverted }
        var tested = condition.value
        if condition.isInverted {
            let zero = constant(function.type(tested), 0)
            tested = value(
                Instruction(
                    .compare, .i32, tested, zero, immediate: IntegerCondition.equal.rawValue))
        }
        append(Instruction(.trapIf, .none, immediate: UInt16(code), a: tested.number))
        learn(condition.value, isTrue: condition.isInverted)
        return false
    }

    // MARK: Calls

    /// A call with the last `count` words of the pool for arguments. With more results than one
    /// the others must follow at once: see `result`.
    public mutating func call(
        _ operation: Operator, _ result: IRType, callee: UInt32, immediate: UInt16 = 0, count: Int,
        changing set: AliasSet
    ) -> Value {
        let value = append(
            Instruction(
                operation, result, immediate: immediate, a: callee,
                b: UInt32(truncatingIfNeeded: function.pool.count &- count),
                c: UInt32(truncatingIfNeeded: count)))
        invalidate(set)
        return value
    }

    /// Ends the block with a call with the last `count` words of the pool for arguments. Returns
    /// the edge on which it returns, which is followed by one for each clause; whoever opens the
    /// blocks that they lead to fills these in.
    public mutating func tryCall(
        _ operation: Operator, callee: UInt32, immediate: UInt16 = 0, count: Int,
        catching clauses: borrowing Arena<CatchClause>, changing set: AliasSet
    ) -> Edge {
        let start = function.pool.count &- count
        let edge = function.makeOutcomes(from: scopes.last.block, catching: clauses.span)
        append(
            Instruction(
                operation, .none, immediate: immediate, a: callee,
                b: UInt32(truncatingIfNeeded: start), c: UInt32(truncatingIfNeeded: count)))
        invalidate(set)
        return edge
    }

    /// Result number `place`, from 1 on, of the call that was made last.
    public mutating func result(_ place: Int, _ type: IRType, of call: Value) -> Value {
        append(
            Instruction(
                .callResult, type, immediate: UInt16(truncatingIfNeeded: place), a: call.number))
    }
}

public import ApusCollections

// Made by the translation of a body, or by the parser; changed by passes; consumed by whoever
// makes machine code.

/// A function in static single assignment form. This comment is the contract between those who
/// make functions and those who make machine code of them; `Verifier` checks it.
///
/// **Values.** An instruction is its value: `Value` *n* is `instructions[n]`, its type is the
/// type of the result. Instructions that no block lists are dead, save those that float
/// (`constant`, `vectorConstant`, `context`), which stand in no block, come before everything and
/// may be used anywhere.
///
/// **i32 is zero-extended.** Wherever an i32 is in a 64-bit register, the upper half is zero: in
/// parameters, arguments, results, and after every instruction. So `extendUnsigned` costs nothing,
/// an i32 may be the index of an address as it is, and `wrap` has to clear the upper half. An
/// `add`, `multiply` or `shiftLeft` of i32 with `noWrap` gives the same in 64 bits, so it may
/// become part of an address.
///
/// **Blocks.** `order` lists the instructions block after block; a block's are those from `start`
/// up to `end`. The first `parameterCount` of them are its `parameter`s, the last one and no other
/// ends the block. Block 0 is the entry: its parameters are the function's, and no edge leads to
/// it. Blocks are numbered in reverse postorder: every edge leads to a block of a higher number,
/// except that back edges lead to the header of a loop around them. All control is reducible,
/// and every block is reachable. `layout` lists the blocks in the order in which their code
/// is to stand, the entry first; it says nothing about anything else.
///
/// **Edges.** Branches name edges; an edge has its source, its target and the values for the
/// target's parameters, which lie in the pool. No two branches share an edge.
///
/// **Exceptions.** A `tryCall` ends its block with edges that carry its outcome: the first one is
/// taken when it returns, and its target's parameters are the results; each other one belongs to a
/// `CatchClause` and is taken by an exception, which is the only parameter of the target, a
/// reference. Such edges have no arguments, and to their targets there is no other way. So a
/// handler sees what was there before the call, and no result of it. The clauses are tried in
/// order, and first those of the callee.
///
/// **Pool.** `pool` holds what does not fit an instruction: arguments, and the value and
/// displacement of a store.
///
/// **Threads.** Atomic accesses count as writes of everything that threads share, and are not
/// moved, merged or left out. Between them a function's loads may be merged as if it were alone.
///
/// **Memory.** Addresses are of the machine: a base, in most cases loaded from the context, an
/// index, and a constant displacement from -2^31 to 2^31 - 1. No access checks bounds by itself.
/// One that may fault names the trap that a fault is; comparisons and `trapIf` do the rest. Stores
/// that may fault must be single instructions of the machine. A load of `AliasClass.constant`
/// from the context may be repeated rather than kept in a register.
///
/// **Calls.** Where arguments and results travel follows from their types, in order, by the
/// calling convention. After a `callImport` or `callFar` the context is the caller's own again:
/// that is for the machine to see to. Numbers of traps and of functions of the runtime are those of
/// `ApusABI`.
public struct Function: ~Copyable {
    public var instructions = Arena<Instruction>(capacity: 1024)
    /// Where each instruction comes from: the offset of the WebAssembly instruction in its body.
    public var offsets = Arena<UInt32>(capacity: 1024)
    public var order = Arena<Value>(capacity: 1024)
    public var blocks = Arena<BlockRecord>(capacity: 128)
    public var edges = Arena<EdgeRecord>(capacity: 128)
    public var pool = Arena<UInt32>(capacity: 256)
    public var vectors = Arena<VectorBits>(capacity: 16)
    /// The types of the function's results.
    public var results = Arena<IRType>(capacity: 8)
    public var layout = Arena<Block>(capacity: 128)
    /// Bytes of stack arguments that the function has, if its parameters do not say it; else -1.
    public var argumentBytes: Int32 = -1

    public init() {}

    @inline(__always)
    public subscript(value: Value) -> Instruction {
        get { instructions[value.index] }
        set { instructions[value.index] = newValue }
    }

    @inline(__always)
    public subscript(block: Block) -> BlockRecord {
        get { blocks[block.index] }
        set { blocks[block.index] = newValue }
    }

    @inline(__always)
    public subscript(edge: Edge) -> EdgeRecord {
        get { edges[edge.index] }
        set { edges[edge.index] = newValue }
    }

    /// The type of `value`.
    @inline(__always)
    public func type(_ value: Value) -> IRType { instructions[value.index].type }

    /// The bits of `value` if it is a `constant`.
    @inline(__always)
    public func constant(_ value: Value) -> UInt64? {
        let instruction = instructions[value.index]
        return instruction.operator == .constant ? instruction.bits : nil
    }

    /// The instruction that ends `block`.
    @inline(__always)
    public func terminator(_ block: Block) -> Value { order[Int(blocks[block.index].end) &- 1] }

    /// The edges that leave `block`: they have consecutive numbers.
    public func successors(_ block: Block) -> Range<UInt32> {
        let end = self[terminator(block)]
        return switch end.operator {
        case .jump: end.a..<(end.a &+ 1)
        case .branch: min(end.b, end.c)..<(max(end.b, end.c) &+ 1)
        case .branchTable: end.b..<(end.b &+ end.c)
        case .tryCall, .tryCallImport, .tryCallFar, .tryCallRuntime: outcomes(end)
        default: 0..<0
        }
    }

    // MARK: Calls that end blocks

    /// Of a call that ends its block: the edge on which it returns, and those to its handlers.
    public func outcomes(_ call: Instruction) -> Range<UInt32> {
        let place = Int(call.b &+ call.c)
        return pool[place]..<(pool[place] &+ 1 &+ pool[place &+ 1])
    }

    /// What handler `index` of a call that ends its block is for.
    public func clause(_ index: Int, of call: Instruction) -> CatchClause {
        CatchClause(bits: pool[Int(call.b &+ call.c) &+ 2 &+ index])
    }

    // MARK: Operands

    /// Calls `body` with each operand of `instruction`; arguments of edges are none.
    @inline(__always)
    public func forEachOperand(_ instruction: Instruction, _ body: (Value) -> Void) {
        switch instruction.operator.row.operands {
        case .none: break
        case .unary: body(instruction.first)
        case .binary:
            body(instruction.first)
            body(instruction.second)
        case .ternary:
            body(instruction.first)
            body(instruction.second)
            body(instruction.third)
        case .load:
            body(instruction.first)
            if !instruction.second.isNone { body(instruction.second) }
        case .store:
            body(instruction.first)
            if !instruction.second.isNone { body(instruction.second) }
            body(Value(pool[Int(instruction.c)]))
        case .compareStore:
            body(instruction.first)
            if !instruction.second.isNone { body(instruction.second) }
            body(stored(instruction))
            body(expected(instruction))
        case .unaryAndList:
            body(instruction.first)
            fallthrough
        case .list:
            for place in Int(instruction.b)..<Int(instruction.b &+ instruction.c) {
                body(Value(pool[place]))
            }
        }
    }

    /// Replaces each operand of `value` by what `body` makes of it.
    @inline(__always)
    public mutating func mapOperands(_ value: Value, _ body: (Value) -> Value) {
        var instruction = self[value]
        switch instruction.operator.row.operands {
        case .none: return
        case .unary: instruction.a = body(instruction.first).number
        case .binary:
            instruction.a = body(instruction.first).number
            instruction.b = body(instruction.second).number
        case .ternary:
            instruction.a = body(instruction.first).number
            instruction.b = body(instruction.second).number
            instruction.c = body(instruction.third).number
        case .load, .store, .compareStore:
            instruction.a = body(instruction.first).number
            if !instruction.second.isNone { instruction.b = body(instruction.second).number }
            let shape = instruction.operator.row.operands
            if shape != .load {
                pool[Int(instruction.c)] = body(Value(pool[Int(instruction.c)])).number
            }
            if shape == .compareStore {
                pool[Int(instruction.c) &+ 2] = body(expected(instruction)).number
            }
        case .unaryAndList, .list:
            if instruction.operator.row.operands == .unaryAndList {
                instruction.a = body(instruction.first).number
            }
            for place in Int(instruction.b)..<Int(instruction.b &+ instruction.c) {
                pool[place] = body(Value(pool[place])).number
            }
        }
        self[value] = instruction
    }

    /// The value that a store writes, or the vector of which a lane is loaded or stored.
    @inline(__always)
    public func stored(_ instruction: Instruction) -> Value { Value(pool[Int(instruction.c)]) }

    /// The value that `atomicCompareExchange` compares with.
    @inline(__always)
    public func expected(_ instruction: Instruction) -> Value {
        Value(pool[Int(instruction.c) &+ 2])
    }

    /// What a load or store adds to its address, in bytes.
    @inline(__always)
    public func displacement(_ instruction: Instruction) -> Int32 {
        if instruction.operator.row.operands == .load { return instruction.displacement }
        return Int32(bitPattern: pool[Int(instruction.c) &+ 1])
    }

    /// The lane that a `loadLane` or `storeLane` means.
    @inline(__always)
    public func lane(_ instruction: Instruction) -> UInt32 { pool[Int(instruction.c) &+ 2] }
}

/// A basic block's place in the order, and what is known of it.
public struct BlockRecord: BitwiseCopyable, Sendable {
    /// Of its first instruction in `Function.order`.
    public var start: UInt32
    /// One past its last instruction.
    public var end: UInt32
    public var parameterCount: UInt32
    /// How many loops are around it.
    public var loopDepth: UInt16
    /// Hardly ever reached: its code may stand out of the way.
    public var isCold: Bool

    public init(start: UInt32, loopDepth: UInt16 = 0, isCold: Bool = false) {
        self.start = start
        end = start
        parameterCount = 0
        self.loopDepth = loopDepth
        self.isCold = isCold
    }

    /// Places in the order of the block's instructions.
    @inline(__always)
    public var range: Range<Int> { Int(start)..<Int(end) }
    /// Places in the order of the block's parameters.
    @inline(__always)
    public var parameters: Range<Int> { Int(start)..<Int(start &+ parameterCount) }
    /// Places in the order of what follows the parameters.
    @inline(__always)
    public var body: Range<Int> { Int(start &+ parameterCount)..<Int(end) }
}

/// A way from one block to another, with values for the target's parameters.
public struct EdgeRecord: BitwiseCopyable, Sendable {
    public var source: Block
    public var target: Block
    /// Of the first argument in the pool.
    public var argumentStart: UInt32
    public var argumentCount: UInt32
    /// Whether the target's parameters are the outcome of the call that ends the source, rather
    /// than arguments.
    public var carriesOutcome = false

    public init(
        source: Block, target: Block, argumentStart: UInt32 = 0, argumentCount: UInt32 = 0
    ) {
        self.source = source
        self.target = target
        self.argumentStart = argumentStart
        self.argumentCount = argumentCount
    }

    /// Places of the arguments in the pool.
    @inline(__always)
    public var arguments: Range<Int> {
        Int(argumentStart)..<Int(argumentStart &+ argumentCount)
    }
}

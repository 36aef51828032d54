public import ApusFormat
internal import CApusHost
internal import Synchronization

/// The trampolines of an engine, each made once, when it is first needed.
///
/// They stay until the engine goes: there are as many as different types of functions that cross
/// between host and wasm.
public final class TrampolineCache: Sendable {
    private struct State {
        var types = FunctionTypeTable()
        /// By slot of `types`; 0: not made yet.
        var entries: [UInt] = []
        var hosts: [UInt] = []
        var blocks: [CodeBlock] = []

        /// Address of the trampoline of `kind`, 0 if there is none.
        subscript(kind: TrampolineKind) -> UInt {
            mutating get {
                switch kind {
                case .entry(let type): entries[slot(type)]
                case .host(let type): hosts[slot(type)]
                case .runtimeCall, .trapExit, .tailReturn: 0
                }
            }
            set {
                switch kind {
                case .entry(let type): entries[slot(type)] = newValue
                case .host(let type): hosts[slot(type)] = newValue
                case .runtimeCall, .trapExit, .tailReturn: break
                }
            }
        }

        private mutating func slot(_ type: FunctionType) -> Int {
            let slot = types.insert(type).slot
            while entries.count <= slot {
                entries.append(0)
                hosts.append(0)
            }
            return slot
        }
    }

    private let source: any TrampolineSource
    private let state = Mutex(State())
    /// Address of the stub through which compiled code calls runtime functions.
    public let runtimeCall: UInt
    /// Address of the stub that leaves wasm with the pending trap.
    public let trapExit: UInt
    /// Address of the stub that tail calls into other instances return to.
    public let tailReturn: UInt

    public init(_ source: any TrampolineSource) throws(ResourceError) {
        self.source = source
        let kinds = [TrampolineKind.runtimeCall, .trapExit, .tailReturn]
        let (block, offsets) = try Self.load(kinds, source)
        runtimeCall = block.base &+ UInt(bitPattern: offsets[0])
        trapExit = block.base &+ UInt(bitPattern: offsets[1])
        tailReturn = block.base &+ UInt(bitPattern: offsets[2])
        state.withLock { state in state.blocks.append(block) }
    }

    /// Address of the entry trampoline for functions of `type`.
    public func entry(_ type: FunctionType) throws(ResourceError) -> UInt {
        try address(.entry(type))
    }

    /// Address of the host trampoline for functions of `type`.
    public func host(_ type: FunctionType) throws(ResourceError) -> UInt {
        try address(.host(type))
    }

    /// Makes at once, in one piece of executable memory, all of `kinds` that are missing.
    public func prepare(_ kinds: [TrampolineKind]) throws(ResourceError) {
        try state.withLock { state throws(ResourceError) in
            try Self.prepare(kinds, &state, source)
        }
    }

    private func address(_ kind: TrampolineKind) throws(ResourceError) -> UInt {
        try state.withLock { state throws(ResourceError) in
            if state[kind] == 0 { try Self.prepare([kind], &state, source) }
            return state[kind]
        }
    }

    private static func prepare(
        _ kinds: [TrampolineKind], _ state: inout State, _ source: any TrampolineSource
    ) throws(ResourceError) {
        var missing: [TrampolineKind] = []
        for kind in kinds where state[kind] == 0 {
            missing.append(kind)
            // Not an address: keeps the same kind from being made twice.
            state[kind] = .max
        }
        if missing.isEmpty { return }
        let block: CodeBlock
        let offsets: [Int]
        do throws(ResourceError) {
            (block, offsets) = try load(missing, source)
        } catch {
            for kind in missing { state[kind] = 0 }
            throw error
        }
        for (kind, offset) in zip(missing, offsets) {
            state[kind] = block.base &+ UInt(bitPattern: offset)
        }
        state.blocks.append(block)
    }

    private static func load(
        _ kinds: [TrampolineKind], _ source: any TrampolineSource
    ) throws(ResourceError) -> (CodeBlock, [Int]) {
        let (code, offsets) = source.trampolines(
            kinds, hostCall: HostCall.address, trapLeave: apus_trap_leave_address())
        precondition(offsets.count == kinds.count)
        return (try CodeBlock(code), offsets)
    }
}

/// Executable memory of fixed contents, shared by reference.
final class CodeBlock: Sendable {
    private let memory: CodeMemory

    init(_ code: [UInt8]) throws(ResourceError) {
        var memory = try CodeMemory(capacity: code.count)
        memory.write(code.span, at: 0)
        try memory.makeExecutable()
        self.memory = memory
    }

    var base: UInt { memory.base }
}

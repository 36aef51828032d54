public import ApusABI
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
        /// By slot of `types`.
        var addresses: [Addresses] = []
        var blocks: [CodeBlock] = []

        /// Address of the trampoline of `kind`, 0 if there is none.
        subscript(kind: TrampolineKind) -> UInt {
            mutating get {
                switch kind {
                case .entry(let type, let layout): addresses[slot(type)].entries[layout]
                case .host(let type, let layout): addresses[slot(type)].hosts[layout]
                case .runtimeCall, .trapExit, .tailReturn: 0
                }
            }
            set {
                switch kind {
                case .entry(let type, let layout):
                    addresses[slot(type)].entries[layout] = newValue
                case .host(let type, let layout):
                    addresses[slot(type)].hosts[layout] = newValue
                case .runtimeCall, .trapExit, .tailReturn: break
                }
            }
        }

        private mutating func slot(_ type: FunctionType) -> Int {
            let slot = types.insert(type).slot
            while addresses.count <= slot { addresses.append(Addresses()) }
            return slot
        }
    }

    /// Of the trampolines of one type.
    private struct Addresses {
        var entries = ByLayout()
        var hosts = ByLayout()
    }

    /// An address for each layout; 0: not made yet.
    private struct ByLayout {
        private var cells: UInt = 0
        private var packed: UInt = 0

        subscript(layout: ArgumentLayout) -> UInt {
            get { layout == .cells ? cells : packed }
            set { if layout == .cells { cells = newValue } else { packed = newValue } }
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

    /// Address of the entry trampoline for functions of `type`, which `layout` must fit.
    public func entry(
        _ type: FunctionType, _ layout: ArgumentLayout = .cells
    ) throws(ResourceError) -> UInt {
        try address(.entry(type, layout.simplified(for: type)))
    }

    /// Address of the host trampoline for functions of `type`, which `layout` must fit.
    public func host(
        _ type: FunctionType, _ layout: ArgumentLayout = .cells
    ) throws(ResourceError) -> UInt {
        try address(.host(type, layout.simplified(for: type)))
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

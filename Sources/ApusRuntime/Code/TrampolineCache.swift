internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusLocks
internal import CApusHost

/// The trampolines of an engine that belong to no module: those that all modules use, and those of
/// functions that the host makes in its stores, which stay as long as somebody has them.
public final class TrampolineCache: Sendable {
    private struct State: ~Copyable {
        /// Types of the trampolines that somebody has, as far as their code depends on them.
        var shapes = GroupTable()
        /// By number in `shapes`.
        var shared: [Entry] = []
    }

    private struct Entry {
        weak var trampolines: SharedTrampolines?
        var owner: ObjectIdentifier?
    }

    private let source: any TrampolineSource
    private let observer: (any CodeObserver)?
    private let state = SystemMutex(State())
    private let block: CodeBlock
    /// Address of the stub through which compiled code calls runtime functions.
    public let runtimeCall: UInt
    /// Address of the stub that leaves wasm with the pending trap.
    public let trapExit: UInt
    /// Address of the stub that tail calls into other instances return to.
    public let tailReturn: UInt
    /// Address of the stub that makes objects where compiled code has no room for them.
    public let allocate: UInt
    /// Address of the stub that has functions compiled when they are first called.
    let compile: UInt

    public init(
        _ source: any TrampolineSource, observer: (any CodeObserver)? = nil
    ) throws(ResourceError) {
        self.source = source
        self.observer = observer
        let kinds: [TrampolineKind] = [.runtimeCall, .trapExit, .tailReturn, .allocate, .compile]
        let (code, offsets) = Self.code(kinds, source)
        block = try CodeBlock(code)
        block.announce(to: observer, Self.pieces(kinds, offsets, code.count, block.base, source))
        runtimeCall = block.base &+ UInt(offsets[0])
        trapExit = block.base &+ UInt(offsets[1])
        tailReturn = block.base &+ UInt(offsets[2])
        allocate = block.base &+ UInt(offsets[3])
        compile = block.base &+ UInt(offsets[4])
    }

    /// Position-independent code of all `kinds`, and where each of them starts in it.
    func code(_ kinds: [TrampolineKind]) -> (code: [UInt8], offsets: [Int]) {
        Self.code(kinds, source)
    }

    private static func code(
        _ kinds: [TrampolineKind], _ source: any TrampolineSource
    ) -> (code: [UInt8], offsets: [Int]) {
        let (code, offsets) = source.trampolines(
            kinds, hostCall: HostCall.address, trapLeave: apus_trap_leave_address())
        precondition(offsets.count == kinds.count)
        return (code, offsets)
    }

    /// A block of `code`, which `code(_:)` has given for `kinds`.
    func block(
        _ kinds: [TrampolineKind], _ code: [UInt8], _ offsets: [Int]
    ) throws(ResourceError) -> CodeBlock {
        let block = try CodeBlock(code)
        if observer != nil {
            block.announce(
                to: observer, Self.pieces(kinds, offsets, code.count, block.base, source))
        }
        return block
    }

    /// Announces the code of `kinds`, which lies at `base`.
    func announce(
        _ kinds: [TrampolineKind], _ offsets: [Int], byteCount: Int, at base: UInt
    ) -> (any CodeAnnouncement)? {
        observer?.trampolinesAppeared(
            Self.pieces(kinds, offsets, byteCount, base, source))
    }

    private static func pieces(
        _ kinds: [TrampolineKind], _ offsets: [Int], _ byteCount: Int, _ base: UInt,
        _ source: any TrampolineSource
    ) -> [TrampolineCode] {
        kinds.indices.map { index in
            let end = index + 1 < offsets.count ? offsets[index + 1] : byteCount
            var frame: Int32 = 0
            if case .host(let type, let layout) = kinds[index] {
                frame = source.hostFrameBytes(type, layout)
            }
            return TrampolineCode(
                kind: kinds[index], start: base &+ UInt(offsets[index]),
                byteCount: end - offsets[index], hostFrameBytes: frame)
        }
    }

    /// All trampolines for functions of `type`.
    func trampolines(_ type: FunctionType) throws(ResourceError) -> SharedTrampolines {
        let shape = type.shape
        return try state.withLock { state throws(ResourceError) in
            if let slot = state.shapes.find(GroupWords(shape)),
                let present = state.shared[slot].trampolines
            {
                return present
            }
            let made = try SharedTrampolines(shape, self)
            // One that is about to go may still have the slot; it sees that it has lost it.
            let slot = state.shapes.insert(GroupWords(shape)).number
            while state.shared.count <= slot { state.shared.append(Entry()) }
            state.shared[slot] = Entry(trampolines: made, owner: ObjectIdentifier(made))
            return made
        }
    }

    /// Of how many types there are trampolines.
    var count: Int { state.withLock { state in state.shapes.count } }

    fileprivate func forget(_ shape: FunctionType, _ owner: ObjectIdentifier) {
        state.withLock { state in
            guard let slot = state.shapes.find(GroupWords(shape)), state.shared[slot].owner == owner
            else { return }
            state.shared[slot] = Entry()
            state.shapes.remove(slot)
        }
    }
}

/// All trampolines for functions of one type, in memory of their own.
final class SharedTrampolines: Sendable {
    private let shape: FunctionType
    private let cache: TrampolineCache
    private let block: CodeBlock
    private let offsets: [Int]

    fileprivate init(_ shape: FunctionType, _ cache: TrampolineCache) throws(ResourceError) {
        self.shape = shape
        self.cache = cache
        var kinds: [TrampolineKind] = [.entry(shape, .cells), .host(shape, .cells)]
        if ArgumentLayout.packed.fits(shape) {
            kinds += [.entry(shape, .packed), .host(shape, .packed)]
        }
        let (code, offsets) = cache.code(kinds)
        block = try cache.block(kinds, code, offsets)
        self.offsets = offsets
    }

    deinit { cache.forget(shape, ObjectIdentifier(self)) }

    /// Address of the entry trampoline; `layout` must fit the type.
    func entry(_ layout: ArgumentLayout) -> UInt { address(0, layout) }

    /// Address of the host trampoline; `layout` must fit the type.
    func host(_ layout: ArgumentLayout) -> UInt { address(1, layout) }

    private func address(_ use: Int, _ layout: ArgumentLayout) -> UInt {
        let layout = layout.simplified(for: shape)
        return block.base &+ UInt(offsets[layout == .packed ? use + 2 : use])
    }
}

extension FunctionType {
    /// The same with one type for all that are passed alike: references are.
    fileprivate var shape: FunctionType {
        func passed(_ type: ValueType) -> ValueType { type.isReference ? .externref : type }
        return FunctionType(parameters.map(passed), results.map(passed))
    }
}

/// Executable memory of fixed contents, shared by reference.
final class CodeBlock: Sendable {
    private let memory: CodeMemory
    private let announcement = SystemMutex<(any CodeAnnouncement)?>(nil)

    init(_ code: [UInt8]) throws(ResourceError) {
        var memory = try CodeMemory(capacity: code.count)
        memory.write(code.span, at: 0)
        try memory.makeExecutable()
        self.memory = memory
    }

    var base: UInt { memory.base }

    /// Tells `observer` of the trampolines that it is.
    func announce(to observer: (any CodeObserver)?, _ trampolines: [TrampolineCode]) {
        guard let observer else { return }
        let made = observer.trampolinesAppeared(trampolines)
        announcement.withLock { $0 = made }
    }
}

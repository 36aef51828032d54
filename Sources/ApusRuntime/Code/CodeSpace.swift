internal import ApusABI
internal import ApusCollections
internal import ApusLocks

/// The address space of a module in which code of its functions is put while it runs, all of it
/// within reach of the module's table and of itself.
final class CodeSpace: Sendable {
    private struct State {
        /// Offset of what has never been given out.
        var next: UInt64 = 0
        /// What has been given back.
        var free: [(start: UInt, bytes: Int)] = []
        /// The chunk that is being filled.
        var chunk: CodeChunk?
        var counts = CallCountsSpace()
        var counters = BlockCountersSpace()
    }

    let table: LinkageTable
    /// How its chunks find this without keeping it.
    let reference = BackReference<CodeSpace>()
    private let importedFunctionCount: Int
    private let state = SystemMutex(State())

    /// Code of less than this shares its pages.
    private static var chunkBytes: Int { 16 << 10 }
    /// The more code there is the larger chunks are, a sixteenth of it, up to this: each takes a
    /// mapping, of which a process has some ten thousands.
    private static var chunkShare: Int { 16 }
    private static var largestSharedChunkBytes: Int { 1 << 20 }
    /// Loops are placed by the processor's lines.
    private static var alignment: Int { 64 }

    init(_ table: LinkageTable, importedFunctionCount: Int) {
        self.table = table
        self.importedFunctionCount = importedFunctionCount
        reference.open(self)
    }

    deinit { reference.close() }

    /// An image of `piece`, which belongs to `module` and whose code is `code`, linked and
    /// executable.
    func makeImage(
        _ piece: consuming CodePiece, _ code: Span<UInt8>, of module: LoadedModule
    ) throws(ResourceError) -> CodeImage {
        try reserveCounts(for: piece)
        try reserveCounters(for: piece)
        while true {
            // A place in the chunk that is being filled is taken by one thread at a time. A full
            // one goes outside of the lock if nobody has it any more.
            let step = try state.withLock { state throws(ResourceError) -> Step in
                if let chunk = state.chunk,
                    let place = chunk.room(for: code.count, alignment: Self.alignment)
                {
                    chunk.write(code, of: piece, at: place) { written in
                        link(piece, at: chunk.base &+ UInt(place), state, &written)
                    }
                    return .placed(chunk, place)
                }
                state.chunk?.close()
                if let full = state.chunk.take() { return .full(full) }
                state.chunk = try makeChunk(code.count, &state, module, piece.tier)
                return .made
            }
            guard case .placed(let chunk, let place) = step else { continue }
            let image = CodeImage(piece, at: chunk.base &+ UInt(place), in: chunk)
            image.announce(of: module)
            return image
        }
    }

    /// The chunk that is being filled, if there is one: where the newest code is.
    var newestChunk: CodeChunk? { state.withLock { $0.chunk } }

    /// What has been done to place code.
    private enum Step {
        case placed(CodeChunk, Int)
        case full(CodeChunk)
        case made
    }

    // MARK: Counts of calls

    /// Makes room for the counts of the calls in `piece`, which stay where they are.
    private func reserveCounts(for piece: borrowing CodePiece) throws(ResourceError) {
        var calls: [CallCountsSpace.Key] = []
        for number in 0..<piece.relocations.count where piece.relocations[number].kind.isOfCounts {
            calls.append(CallCountsSpace.Key(piece.relocations[number]))
        }
        if calls.isEmpty { return }
        calls.sort()
        try state.withLock { state throws(ResourceError) in
            for call in calls where state.counts.address(of: call) == nil {
                if state.counts.isFull {
                    let start = try take(CallCountsSpace.pageBytes, &state)
                    try table.makeCounts(at: start, bytes: CallCountsSpace.pageBytes)
                    state.counts.addPage(at: start)
                }
                state.counts.reserve(for: call)
            }
        }
    }

    /// What has been counted of the calls in function `index`.
    func counts(ofFunction index: Int) -> [CallCountsSpace.Call] {
        state.withLock { $0.counts.calls(ofFunction: UInt32(truncatingIfNeeded: index)) }
    }

    // MARK: Counters of blocks

    /// Makes room for the counters of the functions in `piece`.
    private func reserveCounters(for piece: borrowing CodePiece) throws(ResourceError) {
        var needed: [UInt32: Int] = [:]
        for number in 0..<piece.relocations.count
        where piece.relocations[number].kind == .counter {
            let relocation = piece.relocations[number]
            let count = Int(relocation.counter) + 1
            needed[relocation.function] = max(needed[relocation.function] ?? 0, count)
        }
        if needed.isEmpty { return }
        try state.withLock { state throws(ResourceError) in
            for (function, count) in needed where state.counters[function] == nil {
                if let bytes = state.counters.pageBytes(for: count) {
                    let start = try take(bytes, &state)
                    try table.makeCounts(at: start, bytes: bytes)
                    state.counters.addPages(at: start, bytes: bytes)
                }
                state.counters.reserve(count, for: function)
            }
        }
    }

    /// How often each of the counters of function `index` has counted; empty if it has none.
    func counters(ofFunction index: Int) -> [UInt64] {
        let place = state.withLock { $0.counters[UInt32(truncatingIfNeeded: index)] }
        guard let place else { return [] }
        return (0..<place.count).map { UInt64(table.counts(at: place.address, word: $0)) }
    }

    private func makeChunk(
        _ count: Int, _ state: inout State, _ module: LoadedModule, _ tier: CodeTier?
    ) throws(ResourceError) -> CodeChunk {
        let unit = Self.chunkBytes
        let needed = (CodeChunk.bytes(for: count) + unit - 1) / unit * unit
        let share = min(Int(state.next) / Self.chunkShare, Self.largestSharedChunkBytes)
        var bytes = max(needed, share / unit * unit)
        let reserve = tier == .optimizing ? firstTierBytes : 0
        let base: UInt
        do throws(ResourceError) {
            base = try take(bytes, &state, leaving: reserve)
        } catch {
            bytes = needed
            base = try take(bytes, &state, leaving: reserve)
        }
        do throws(ResourceError) {
            return try CodeChunk(base: base, bytes: bytes, table, self, module)
        } catch {
            state.free.append((base, bytes))
            throw error
        }
    }

    /// What no other tier may take: a call of a function that has no code yet never fails for what
    /// was only to be faster.
    private var firstTierBytes: UInt64 { table.roomBytes / 3 * 2 }

    private func take(
        _ bytes: Int, _ state: inout State, leaving reserve: UInt64 = 0
    ) throws(ResourceError) -> UInt {
        if let place = state.free.firstIndex(where: { $0.bytes >= bytes }) {
            let found = state.free[place]
            if found.bytes == bytes {
                state.free.remove(at: place)
            } else {
                state.free[place] = (found.start &+ UInt(bytes), found.bytes - bytes)
            }
            return found.start
        }
        guard UInt64(bytes) + reserve <= table.roomBytes - state.next else {
            throw ResourceError(.code, requested: UInt64(bytes), limit: table.roomBytes)
        }
        defer { state.next += UInt64(bytes) }
        return table.room &+ UInt(state.next)
    }

    /// Nothing is left of a chunk.
    func giveBack(_ base: UInt, _ bytes: Int) {
        state.withLock { state in state.free.append((base, bytes)) }
    }

    /// Fills in the displacements of code that will run at `base`.
    private func link(
        _ piece: borrowing CodePiece, at base: UInt, _ state: borrowing State,
        _ code: inout MutableSpan<UInt8>
    ) {
        for number in 0..<piece.relocations.count {
            let relocation = piece.relocations[number]
            let place = Int(relocation.codeOffset)
            let end = base &+ UInt(place + 4)
            let addend = UInt(bitPattern: relocation.kind.addend)
            let target = address(relocation, piece, base, state) &+ addend
            let distance = UInt32(truncatingIfNeeded: target &- end)
            for byte in 0..<4 {
                code[place + byte] = UInt8(truncatingIfNeeded: distance >> UInt32(8 * byte))
            }
        }
    }

    /// Without the relocation's addend.
    private func address(
        _ relocation: CodeRelocation, _ piece: borrowing CodePiece, _ base: UInt,
        _ state: borrowing State
    ) -> UInt {
        let position = Int(relocation.function) - importedFunctionCount
        switch relocation.kind {
        case .code: break
        case .pointer, .heat, .heldHeat, .takeover: return table.record(position)
        case .counts, .hits:
            // `reserveCounts` has given it one.
            return state.counts.address(of: CallCountsSpace.Key(relocation))
                ?? table.record(position)
        case .counter:
            // `reserveCounters` has given it one.
            return state.counters.address(relocation) ?? table.record(position)
        }
        let found = piece.functions.partitioningIndex { $0.index >= relocation.function }
        guard found < piece.functions.count, piece.functions[found].index == relocation.function
        else { return table.stub(position) }
        return base &+ UInt(piece.functions[found].codeStart)
    }
}

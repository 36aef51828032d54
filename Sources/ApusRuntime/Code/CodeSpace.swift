internal import ApusABI
internal import ApusCollections
internal import Synchronization

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
    }

    let table: LinkageTable
    private let importedFunctionCount: Int
    private let state = Mutex(State())

    /// Code of less than this shares its pages.
    private static var chunkBytes: Int { 16 << 10 }
    /// Loops are placed by the processor's lines.
    private static var alignment: Int { 64 }

    init(_ table: LinkageTable, importedFunctionCount: Int) {
        self.table = table
        self.importedFunctionCount = importedFunctionCount
    }

    /// An image of the functions in `batch`, which belongs to `module`, linked and executable.
    func makeImage(
        _ batch: borrowing CodeBatch, of module: LoadedModule
    ) throws(ResourceError) -> CodeImage {
        try state.withLock { state throws(ResourceError) in
            let count = batch.bytes.count
            if state.chunk?.place(count, alignment: Self.alignment) == nil {
                state.chunk?.close()
                state.chunk = nil
                state.chunk = try makeChunk(count, &state, module)
            }
            guard let chunk = state.chunk,
                let place = chunk.place(count, alignment: Self.alignment)
            else { throw ResourceError(.code, requested: UInt64(count)) }
            let base = chunk.base &+ UInt(place)
            chunk.write(batch.bytes, at: place) { code in link(batch, at: base, &code) }
            return CodeImage(batch, at: base, in: chunk)
        }
    }

    private func makeChunk(
        _ count: Int, _ state: inout State, _ module: LoadedModule
    ) throws(ResourceError) -> CodeChunk {
        let unit = Self.chunkBytes
        let bytes = max((count + unit - 1) / unit * unit, unit)
        let base = try take(bytes, &state)
        do throws(ResourceError) {
            return try CodeChunk(base: base, bytes: bytes, table, self, module)
        } catch {
            state.free.append((base, bytes))
            throw error
        }
    }

    private func take(_ bytes: Int, _ state: inout State) throws(ResourceError) -> UInt {
        if let place = state.free.firstIndex(where: { $0.bytes >= bytes }) {
            let found = state.free[place]
            if found.bytes == bytes {
                state.free.remove(at: place)
            } else {
                state.free[place] = (found.start &+ UInt(bytes), found.bytes - bytes)
            }
            return found.start
        }
        guard UInt64(bytes) <= table.roomBytes - state.next else {
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
        _ batch: borrowing CodeBatch, at base: UInt, _ code: inout MutableSpan<UInt8>
    ) {
        for index in 0..<batch.functions.count {
            let function = batch.functions[index]
            let first = Int(function.relocationStart)
            for number in first..<first + Int(function.relocationCount) {
                let relocation = batch.relocations[number]
                let place = Int(function.codeStart &+ relocation.codeOffset)
                let end = base &+ UInt(place + 4)
                let target = address(relocation, batch, base) &+ UInt(relocation.kind.addend)
                let distance = UInt32(truncatingIfNeeded: target &- end)
                for byte in 0..<4 {
                    code[place + byte] = UInt8(truncatingIfNeeded: distance >> UInt32(8 * byte))
                }
            }
        }
    }

    /// Without the relocation's addend.
    private func address(
        _ relocation: CodeRelocation, _ batch: borrowing CodeBatch, _ base: UInt
    ) -> UInt {
        if relocation.kind == .code {
            for index in 0..<batch.functions.count
            where batch.functions[index].index == relocation.function {
                return base &+ UInt(batch.functions[index].codeStart)
            }
            return table.stub(Int(relocation.function) - importedFunctionCount)
        }
        return table.record(Int(relocation.function) - importedFunctionCount)
    }
}

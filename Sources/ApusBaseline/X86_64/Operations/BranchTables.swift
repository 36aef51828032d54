internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// `br_table` (4.6.10): a jump through a table behind it, which has the distances to the targets.
extension BaselineCompiler {
    mutating func translateBrTable() {
        let count = Int(reader.readIndex())
        let selector = pop()
        let start = reader.position
        for _ in 0..<count { _ = reader.readIndex() }
        let defaultDepth = Int(reader.readIndex())
        if count == 0 {
            discard(selector)
            emitBranch(defaultDepth)
            return skip()
        }
        let index = takeOwned(selector)
        let branch = countsBlocks ? countedBranch(at: instructionOffset) ?? -1 : -1
        restoreHomes()
        // No branch decides whether the index is within the table: none can be foreseen wrongly.
        code.moveImmediate(CallingConvention.scratch, UInt64(count))
        code.alu(.cmp, .w32, index, CallingConvention.scratch)
        code.cmov(.ae, .w32, index, CallingConvention.scratch)
        let fallback = code.makeLabel()
        let table = code.makeLabel()
        code.lea(.w64, CallingConvention.scratch, label: table)
        code.loadSignExtended(
            from: .w32, to: .w64, index, Address(CallingConvention.scratch, index: index, scale: 4))
        code.alu(.add, .w64, index, CallingConvention.scratch)
        code.jump(index)
        free(index)
        emitJumpTable(table, count, start, fallback, branch)
        let last = frames[frames.count &- 1 &- defaultDepth].stub
        let defaultWay = last < 0 ? stubs.count : Int(last)
        emitStubs(branch)
        code.bind(fallback)
        countWay(defaultWay, of: branch)
        emitBranch(defaultDepth)
        skip()
    }

    /// The distances of the targets. Those that take values or end what holds the heat have
    /// stubs, and so do all whose branches are counted.
    private mutating func emitJumpTable(
        _ table: Label, _ count: Int, _ start: Int, _ fallback: Label, _ branch: Int32
    ) {
        let end = reader.position
        code.align(to: 4)
        code.bind(table)
        let tableStart = code.count
        stubs.removeAll()
        reader.position = start
        for _ in 0..<count {
            let depth = Int(reader.readIndex())
            let place = frames.count &- 1 &- depth
            let frame = frames[place]
            if branch < 0, frame.kind != .function, frame.labelArity == 0,
                !leavesHeat(to: place)
            {
                noteBranch(place)
                code.append32(label: frame.label, relativeTo: tableStart)
                continue
            }
            if frame.stub < 0 {
                frames[place].stub = Int32(truncatingIfNeeded: stubs.count)
                stubs.append(
                    Stub(label: code.makeLabel(), depth: Int32(truncatingIfNeeded: depth)))
            }
            code.append32(
                label: stubs[Int(frames[place].stub)].label, relativeTo: tableStart)
        }
        code.append32(label: fallback, relativeTo: tableStart)
        reader.position = end
    }

    /// The code that places the values that targets take. The stubs' numbers are those of the ways
    /// of the branch.
    private mutating func emitStubs(_ branch: Int32) {
        for index in 0..<stubs.count {
            let depth = Int(stubs[index].depth)
            frames[frames.count &- 1 &- depth].stub = -1
            if mustStop() { return }
            code.bind(stubs[index].label)
            countWay(index, of: branch)
            emitBranchKeepingOperands(depth)
        }
    }
}

internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Counting how often code runs, block by block and branch by branch (`BlockCounters`).
///
/// All threads add to the same counters, and take no care: one of two that count at the same moment
/// may be lost, but no number is ever half of one and half of another.
extension BaselineCompiler {
    /// Finds out what is to be counted of a function before it is compiled. That is once per
    /// function, and counts references, unlike what happens per instruction: so it stays apart.
    @inline(never)
    mutating func findBlocks(of body: FunctionBody) {
        counters = BlockCounters(module.bytes, body)
        // All code is translated where it is read, and counted there.
        hints = 0..<0
    }

    /// Before an instruction, whose effects are all to come.
    mutating func countBlock() {
        guard let counter = counters.block(at: bodyOffset) else { return }
        increment(counter)
    }

    /// Counts the way number `way` of the branch at `offset` in the module.
    mutating func countWay(_ way: Int, ofBranchAt offset: Int) {
        guard countsBlocks, let branch = countedBranch(at: offset) else { return }
        countWay(way, of: branch)
    }

    mutating func countWay(_ way: Int, of branch: Int32) {
        guard branch >= 0 else { return }
        increment(counters.ways[Int(counters.branches[Int(branch)].firstWay) &+ way])
    }

    /// The place among the function's branches of the one at `offset` in the module.
    mutating func countedBranch(at offset: Int) -> Int32? {
        counters.branch(at: UInt32(truncatingIfNeeded: offset &- bodyStart)).map {
            Int32(truncatingIfNeeded: $0)
        }
    }

    /// A branch that has a way of its own, on which it is counted. It is the instruction at
    /// `offset`.
    mutating func emitCountedBranch(_ depth: Int, if condition: FlagCondition, at offset: Int) {
        let over = code.makeLabel()
        restoreHomes()
        jump(condition.inverted, over)
        countWay(0, ofBranchAt: offset)
        emitBranchAside(depth)
        code.bind(over)
    }
}

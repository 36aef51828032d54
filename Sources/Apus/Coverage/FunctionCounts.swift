internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// What the code of one function has counted, by offsets in the module's own bytes.
struct FunctionCounts: ~Copyable {
    let function: Int
    /// Where the function's body is.
    let range: Range<Int>
    private let module: DecodedModule
    private let bodyStart: Int
    private let counters: BlockCounters
    /// Empty if the function was never called.
    private let counts: [UInt64]

    /// Of function `index`, which `loaded` defines.
    init(_ index: Int, of loaded: LoadedModule) {
        function = index
        module = loaded.module
        let body = module.bodies[index - module.importedFunctionCount]
        bodyStart = Int(body.start)
        let start = module.sourceOffset(of: bodyStart)
        let last = module.sourceOffset(of: max(Int(body.end) - 1, bodyStart))
        range = start..<max(last + 1, start)
        counters = BlockCounters(module.bytes, body)
        counts = loaded.blockCounts(ofFunction: index)
    }

    private func offset(_ bodyOffset: UInt32) -> Int {
        module.sourceOffset(of: bodyStart + Int(bodyOffset))
    }

    private func value(_ counter: UInt32) -> UInt64 {
        let place = Int(counter)
        return place < counts.count ? counts[place] : 0
    }

    /// How often it was called.
    var entries: UInt64 { value(counters.blocks[0].counter) }

    /// Calls `body` with each of its blocks, as far as they do something, and how often that was
    /// run.
    func forEachBlock(_ body: (Range<Int>, UInt64) -> Void) {
        for place in 0..<counters.blocks.count {
            let block = counters.blocks[place]
            let start = offset(block.work)
            let end = offset(block.end)
            if start < end { body(start..<end, value(block.counter)) }
        }
    }

    /// How often the instruction at `offset` was run; nil if nothing gets there.
    func reachableCount(at offset: Int) -> UInt64? {
        let place = counters.blocks.partitioningIndex { self.offset($0.start) > offset } - 1
        guard place >= 0, offset < self.offset(counters.blocks[place].end) else { return nil }
        return value(counters.blocks[place].counter)
    }

    func count(at offset: Int) -> UInt64 { reachableCount(at: offset) ?? 0 }

    /// Where its branches are, and how often each of their ways was taken.
    var branches: [(offset: Int, ways: [UInt64])] {
        (0..<counters.branches.count).map { place in
            let branch = counters.branches[place]
            let first = Int(branch.firstWay)
            let ways = (first..<first + Int(branch.wayCount)).map { value(counters.ways[$0]) }
            return (offset(branch.bodyOffset), ways)
        }
    }
}

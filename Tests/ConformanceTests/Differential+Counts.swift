import Apus
import ApusABI
import ApusCollections
import ApusFormat
import ApusRuntime
import ApusTestSupport

extension Differential {
    /// Compares what code has counted with how often instructions were executed: blocks by their
    /// first ones, and the ways of branches by these.
    func compareCounts(_ pair: Pair) throws {
        for (position, body) in pair.module.bodies.enumerated() {
            let index = pair.module.importedFunctionCount + position
            let counters = BlockCounters(pair.module.bytes, body)
            var counts = pair.compiled.blockCounts(ofFunction: index)
            counts += Array(repeating: 0, count: counters.count - counts.count)
            func runs(_ bodyOffset: UInt32) -> UInt64 {
                referenceStore.runs(
                    of: Int(body.start) + Int(bodyOffset), in: pair.reference)
            }
            for place in 0..<counters.blocks.count {
                let block = counters.blocks[place]
                let count = counts[Int(block.counter)]
                guard count == runs(block.start) else {
                    throw Difference(
                        text: "function \(index), block at \(block.start): \(count), "
                            + "expected \(runs(block.start))")
                }
            }
            for place in 0..<counters.branches.count {
                let branch = counters.branches[place]
                let first = Int(branch.firstWay)
                let ways = (first..<first + Int(branch.wayCount)).map {
                    counts[Int(counters.ways[$0])]
                }
                guard ways.reduce(0, +) == runs(branch.bodyOffset) else {
                    throw Difference(
                        text: "function \(index), branch at \(branch.bodyOffset): \(ways), "
                            + "expected \(runs(branch.bodyOffset)) in all")
                }
            }
        }
    }
}

import ApusABI
import ApusCollections
import ApusFormat
import Testing

/// Which blocks and branches a body has.
@Suite struct BlockCountersTests {
    /// The counters of a function of a parameter and a result, both i32, with this code.
    private func counters(_ code: [UInt8]) throws -> BlockCounters {
        let body = [0x00] + code + [0x0B]
        let module: [UInt8] =
            [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00]
            + [1, 6, 1, 0x60, 1, 0x7F, 1, 0x7F] + [3, 2, 1, 0]
            + [10, UInt8(body.count + 2), 1, UInt8(body.count)] + body
        let decoded = try ModuleDecoder.decode(ByteStorage(module))
        var validator = FunctionValidator(decoded)
        try validator.validate(0)
        return BlockCounters(decoded.bytes, decoded.bodies[0])
    }

    /// Of each block: where it starts, where it does something, and where it ends.
    private func blocks(_ counters: borrowing BlockCounters) -> [[UInt32]] {
        (0..<counters.blocks.count).map { place in
            let block = counters.blocks[place]
            return [block.start, block.work, block.end]
        }
    }

    /// Of each branch: where it is, and its ways' counters.
    private func branches(_ counters: borrowing BlockCounters) -> [[UInt32]] {
        (0..<counters.branches.count).map { place in
            let branch = counters.branches[place]
            let first = Int(branch.firstWay)
            return [branch.bodyOffset]
                + (first..<first + Int(branch.wayCount)).map { counters.ways[$0] }
        }
    }

    @Test func straightCodeIsOneBlock() throws {
        let found = try counters([0x20, 0, 0x20, 0, 0x6A])
        #expect(blocks(found) == [[1, 1, 7]])
        #expect(branches(found) == [])
        #expect(found.count == 1)
        #expect(found.block(at: 1) == 0 && found.block(at: 3) == nil)
    }

    /// `if` with and without `else`: without, the other way has a counter of its own.
    @Test func ifs() throws {
        let both = try counters([0x20, 0, 0x04, 0x7F, 0x41, 1, 0x05, 0x41, 2, 0x0B])
        #expect(blocks(both) == [[1, 1, 5], [5, 5, 8], [8, 8, 11], [11, 12, 12]])
        #expect(branches(both) == [[3, 1, 2]])
        let one = try counters([0x20, 0, 0x04, 0x40, 0x01, 0x0B, 0x20, 0])
        #expect(blocks(one) == [[1, 1, 5], [5, 5, 7], [7, 7, 10]])
        #expect(branches(one) == [[3, 1, 2]])
        #expect(one.count == 4)
        #expect(one.branch(at: 3) == 0 && one.branch(at: 5) == nil)
    }

    /// A loop begins a block, and a branch on a condition has two ways.
    @Test func loops() throws {
        let found = try counters([0x03, 0x40, 0x20, 0, 0x0D, 0, 0x0B, 0x20, 0])
        #expect(blocks(found) == [[1, 3, 3], [3, 3, 7], [7, 8, 11]])
        #expect(branches(found) == [[5, 2, 3]])
    }

    /// Only the end of what something branches to begins a block; what nothing gets to is in none.
    @Test func ends() throws {
        let plain = try counters([0x02, 0x40, 0x01, 0x0B, 0x20, 0])
        #expect(blocks(plain) == [[1, 3, 8]])
        let left = try counters([0x02, 0x40, 0x0C, 0, 0x01, 0x0B, 0x20, 0])
        #expect(blocks(left) == [[1, 3, 5], [7, 7, 10]])
        let dead = try counters([0x00, 0x02, 0x40, 0x0C, 0, 0x0B, 0x41, 3])
        #expect(blocks(dead) == [[1, 1, 2]])
        #expect(dead.count == 1)
    }

    /// A table has a way for each of its targets, however often it names them.
    @Test func tables() throws {
        let found = try counters([
            0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0E, 3, 1, 0, 1, 1, 0x0B, 0x0B, 0x20, 0,
        ])
        #expect(blocks(found) == [[1, 5, 13], [14, 15, 15], [15, 15, 18]])
        #expect(branches(found) == [[7, 1, 2]])
        // One target is no choice.
        let plain = try counters([0x02, 0x40, 0x20, 0, 0x0E, 0, 0, 0x0B, 0x20, 0])
        #expect(branches(plain) == [])
    }

    @Test func callsEndBlocks() throws {
        let found = try counters([0x20, 0, 0x10, 0])
        #expect(blocks(found) == [[1, 1, 5], [5, 6, 6]])
    }
}

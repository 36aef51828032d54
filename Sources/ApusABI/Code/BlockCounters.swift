public import ApusCollections
public import ApusFormat

/// What is counted of a function in code that counts how often it runs
/// (`ModuleEnvironment.countsBlocks`): a number of 64 bits for each of its blocks, and for each way
/// on from a branch that is no block's alone.
///
/// It follows from the body, so that who makes the code and who reads the counters need not tell
/// each other. A block is a run of instructions that are run one after the other, unless one of
/// them traps: it ends behind what may branch, call or throw, and where code may come from
/// elsewhere. Code that nothing can reach is in no block.
public struct BlockCounters: ~Copyable {
    /// Instructions that are counted together, by their offsets in the body.
    public struct Block: BitwiseCopyable, Sendable {
        public var start: UInt32
        /// The first one that does something, and does not only structure the code, or `end`.
        public var work: UInt32
        /// One past the last.
        public var end: UInt32
        public var counter: UInt32
    }

    /// An instruction behind which code may go on in several ways.
    public struct Branch: BitwiseCopyable, Sendable {
        public var bodyOffset: UInt32
        /// In `ways`. Of an `if` these are the one of a condition that is true and the other one;
        /// of other conditions, branching and going on; of a table, its targets in the order in
        /// which it first names them.
        public var firstWay: UInt32
        public var wayCount: UInt32
    }

    /// Ascending.
    public internal(set) var blocks = Arena<Block>(capacity: 16)
    /// Ascending.
    public internal(set) var branches = Arena<Branch>(capacity: 8)
    /// Counters of branches' ways.
    public internal(set) var ways = Arena<UInt32>(capacity: 16)
    /// How many counters there are. No more than the body has bytes, and one.
    public internal(set) var count = 0

    /// Bytes of a counter.
    public static var counterBytes: Int { 8 }

    public init() {}

    /// The counters of a valid function with this body.
    public init(_ bytes: ByteStorage, _ body: FunctionBody) {
        self = BlockScanner.scan(bytes, body)
    }

    // MARK: Looking up

    /// The counter of the block that begins at `bodyOffset`, if one does.
    public func block(at bodyOffset: UInt32) -> UInt32? {
        let place = blocks.partitioningIndex { $0.start >= bodyOffset }
        guard place < blocks.count, blocks[place].start == bodyOffset else { return nil }
        return blocks[place].counter
    }

    /// The place among `branches` of the instruction at `bodyOffset`, if it is one.
    public func branch(at bodyOffset: UInt32) -> Int? {
        let place = branches.partitioningIndex { $0.bodyOffset >= bodyOffset }
        guard place < branches.count, branches[place].bodyOffset == bodyOffset else { return nil }
        return place
    }
}

internal import ApusABI
internal import ApusCollections
internal import ApusLocks

/// Random decisions in the place of the register allocator's own, for tests: code may become slow
/// by them and nothing else.
///
/// Registers are chosen without preference, values are left to the frame that need not be, and
/// there are as few registers as instructions can do with. What is decided follows from the seed
/// and the function's index alone.
package struct AllocationChaos: Sendable {
    private let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// Begins with function `index`, whoever compiled which functions before.
    mutating func begin(_ index: Int) {
        state = Self.mix(seed &+ UInt64(truncatingIfNeeded: index) &* 0xD1B5_4A32_D192_ED03)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }

    /// Any register of `set`, which must not be empty.
    mutating func pick(_ set: RegisterSet) -> PhysicalRegister { Self.pick(set, next()) }

    /// Likewise where decisions must not change anything: the same one until the next change.
    func choose(_ set: RegisterSet, for value: VirtualRegister) -> PhysicalRegister {
        Self.pick(set, Self.mix(state ^ UInt64(value.number)))
    }

    /// `count` registers of each class that `file` has, at random, or all if it has fewer.
    mutating func restrict(_ file: RegisterFile, to count: Int) -> RegisterFile {
        var restricted = file
        while restricted.general.count > count {
            restricted.general.subtract(RegisterSet(pick(restricted.general)))
        }
        while restricted.vector.count > count {
            restricted.vector.subtract(RegisterSet(pick(restricted.vector)))
        }
        return restricted
    }

    private static func pick(_ set: RegisterSet, _ number: UInt64) -> PhysicalRegister {
        var rest = set
        for _ in 0..<number % UInt64(max(set.count, 1)) { rest = rest.rest }
        return rest.first
    }

    private static func mix(_ number: UInt64) -> UInt64 {
        var mixed = number
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    // MARK: What came of it

    /// What the decisions of one seed led to, in all functions that were compiled with it.
    package struct Record: Sendable {
        /// What `AllocationChecker` has found.
        package var problems: [String] = []
        package var functions = 0
        /// Functions that got by with `fewestRegisters` of each class.
        package var confined = 0
        package var spilledValues = 0
        /// Functions that no number of registers was enough for.
        package var refused = 0
    }

    package static var fewestRegisters: Int { 4 }

    private static let records = SystemMutex<[UInt64: Record]>([:])

    package static func record(ofSeed seed: UInt64) -> Record {
        records.withLock { $0[seed] ?? Record() }
    }

    func note(_ change: (inout Record) -> Void) {
        Self.records.withLock { change(&$0[seed, default: Record()]) }
    }
}

internal import ApusABI

/// A set of registers, one bit each.
struct RegisterSet: OptionSet, Hashable, BitwiseCopyable, Sendable {
    let rawValue: UInt32

    /// How many numbers there are: what is kept for each register has as many places.
    static var numberCount: Int { 32 }

    @inline(__always) init(rawValue: UInt32) { self.rawValue = rawValue }
    @inline(__always) init(_ register: PhysicalRegister) {
        rawValue = 1 &<< UInt32(register.number)
    }

    @inline(__always) func has(_ register: PhysicalRegister) -> Bool {
        rawValue & (1 &<< UInt32(register.number)) != 0
    }

    /// The register with the lowest number. The set must not be empty.
    @inline(__always) var first: PhysicalRegister {
        PhysicalRegister(UInt8(truncatingIfNeeded: rawValue.trailingZeroBitCount & 31))
    }

    /// The set without its first register.
    @inline(__always) var rest: RegisterSet { RegisterSet(rawValue: rawValue & (rawValue &- 1)) }
}

/// Which registers of a class are for what.
struct RegisterRoles: BitwiseCopyable, Sendable {
    /// Values that no local lives in: results of operations pass through these first.
    var temporaries: RegisterSet
    /// Where locals may live that calls destroy; temporaries while no local lives there.
    var volatileHomes: RegisterSet
    /// Where locals may live that survive calls. Never temporaries, since using one costs a save.
    var savedHomes: RegisterSet
    /// How many locals are thought of at most.
    var homeCount: Int
    /// Where a block's only result is at its end: one of the temporaries.
    var result: PhysicalRegister

    /// What operands may own.
    @inline(__always) var owned: RegisterSet { temporaries.union(volatileHomes) }
}

/// What the compiler does with the registers of a machine.
struct RegisterPlan: BitwiseCopyable, Sendable {
    /// Integers and references.
    var general: RegisterRoles
    /// Floats and vectors.
    var vector: RegisterRoles
    /// Holds a vector only within an operation or between two moves.
    var vectorScratch: PhysicalRegister

    @inline(__always)
    func roles(inVector: Bool) -> RegisterRoles { inVector ? vector : general }
}

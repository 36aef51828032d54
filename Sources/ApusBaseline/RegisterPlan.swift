internal import ApusABI

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

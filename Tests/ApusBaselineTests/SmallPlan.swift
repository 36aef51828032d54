import ApusABI

@testable import ApusBaseline

/// Registers of a machine that there is not: four general ones and two for vectors.
enum SmallPlan {
    static let t0 = PhysicalRegister(0)
    static let t1 = PhysicalRegister(1)
    static let volatile = PhysicalRegister(2)
    static let saved = PhysicalRegister(3)
    static let vectorTemporary = PhysicalRegister(20)
    static let vectorHome = PhysicalRegister(21)

    static let plan = RegisterPlan(
        general: RegisterRoles(
            temporaries: [RegisterSet(t0), RegisterSet(t1)],
            volatileHomes: RegisterSet(volatile), savedHomes: RegisterSet(saved), homeCount: 2,
            result: t0),
        vector: RegisterRoles(
            temporaries: RegisterSet(vectorTemporary), volatileHomes: RegisterSet(vectorHome),
            savedHomes: [], homeCount: 1, result: vectorTemporary),
        vectorScratch: PhysicalRegister(22))
}

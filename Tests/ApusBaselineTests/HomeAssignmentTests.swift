import ApusABI
import ApusCollections
import Testing

@testable import ApusBaseline

/// Who gets to live in a register, on a machine with two homes for integers and one for floats.
@Suite struct HomeAssignmentTests {
    private struct Local {
        var weight: UInt32
        var inVector = false
        var arrival = PhysicalRegister.none
    }

    /// The register of each local that has one.
    private static func homes(
        of locals: [Local], callWeight: UInt32 = 0
    ) -> [UInt32: PhysicalRegister] {
        var assignment = HomeAssignment()
        for (index, local) in locals.enumerated() {
            assignment.add(
                UInt32(index), weight: local.weight, inVector: local.inVector,
                arrival: local.arrival, SmallPlan.plan)
        }
        assignment.assign(SmallPlan.plan, callWeight: callWeight)
        var homes: [UInt32: PhysicalRegister] = [:]
        for place in 0..<assignment.homes.count {
            homes[assignment.homes[place].local] = assignment.homes[place].register
        }
        return homes
    }

    /// The heaviest first; of equals, the first.
    @Test func theHeaviestComeFirst() {
        let homes = Self.homes(of: [.init(weight: 5), .init(weight: 9), .init(weight: 7)])
        #expect(homes == [1: SmallPlan.volatile, 2: SmallPlan.saved])
        let equals = Self.homes(of: [.init(weight: 5), .init(weight: 5), .init(weight: 5)])
        #expect(equals == [0: SmallPlan.volatile, 1: SmallPlan.saved])
    }

    /// A home that calls destroy has to save more accesses than the calls cost.
    @Test func callsMakeHomesDear() {
        let locals = [Local(weight: 9), Local(weight: 7)]
        #expect(
            Self.homes(of: locals, callWeight: 3) == [0: SmallPlan.saved, 1: SmallPlan.volatile])
        #expect(Self.homes(of: locals, callWeight: 4) == [0: SmallPlan.saved])
        #expect(Self.homes(of: locals, callWeight: .max) == [0: SmallPlan.saved])
    }

    /// Keeping a register for the caller costs two accesses.
    @Test func whatIsHardlyUsedSavesNoRegister() {
        #expect(Self.homes(of: [.init(weight: 2)], callWeight: 1) == [:])
        #expect(Self.homes(of: [.init(weight: 3)], callWeight: 1) == [0: SmallPlan.saved])
        #expect(Self.homes(of: [.init(weight: 0)]) == [:])
    }

    /// The heat is in its register where nothing is called: calls do not make that dear.
    @Test func heatIsWantedBetweenCallsOnly() {
        func home(weight: UInt32, others: UInt32, callWeight: UInt32) -> PhysicalRegister? {
            var assignment = HomeAssignment()
            assignment.add(
                HomeAssignment.heat, weight: weight, inVector: false, arrival: .none,
                SmallPlan.plan)
            assignment.add(0, weight: others, inVector: false, arrival: .none, SmallPlan.plan)
            assignment.add(1, weight: others, inVector: false, arrival: .none, SmallPlan.plan)
            assignment.assign(SmallPlan.plan, callWeight: callWeight)
            for place in 0..<assignment.homes.count
            where assignment.homes[place].local == HomeAssignment.heat {
                return assignment.homes[place].register
            }
            return nil
        }
        #expect(home(weight: 16, others: 15, callWeight: 0) == SmallPlan.volatile)
        #expect(home(weight: 16, others: 15, callWeight: 1) == SmallPlan.volatile)
        #expect(home(weight: 2, others: 1, callWeight: 8) == SmallPlan.volatile)
        #expect(home(weight: 16, others: 17, callWeight: 0) == nil)
    }

    @Test func parametersStayWhereTheyArrive() {
        let there = Local(weight: 4, arrival: SmallPlan.volatile)
        let elsewhere = Local(weight: 4, arrival: SmallPlan.t0)
        #expect(Self.homes(of: [there]) == [0: SmallPlan.volatile])
        // Not where no local may live.
        #expect(Self.homes(of: [elsewhere]) == [0: SmallPlan.volatile])
    }

    @Test func floatsHaveHomesOfTheirOwn() {
        let locals = [
            Local(weight: 1, inVector: true), Local(weight: 2, inVector: true), Local(weight: 3),
        ]
        #expect(Self.homes(of: locals) == [1: SmallPlan.vectorHome, 2: SmallPlan.volatile])
        #expect(Self.homes(of: locals, callWeight: 1) == [2: SmallPlan.saved])
    }
}

internal import ApusABI
internal import ApusCollections

/// Decides which locals of a function live in registers: the heaviest first, by the weights that
/// validation has counted, each use counting more the deeper it is in loops.
///
/// What a home costs is counted in the same unit, memory accesses: a register that calls destroy is
/// stored and loaded around each call that is made, so it pays for what weighs more than twice the
/// calls; one that calls keep is stored and loaded once per call of this function, so it pays for
/// what weighs more than 2. Functions that make calls take the latter first, others the former, for
/// which nothing is to be done.
struct HomeAssignment: ~Copyable {
    /// What lives where.
    struct Home: BitwiseCopyable {
        var local: UInt32
        var register: PhysicalRegister
    }

    /// What stands for the base of memory 0, which may live in a register as well.
    static var memoryBase: UInt32 { .max }
    /// What stands for the function's heat, which is in a register in loops that call nobody only.
    static var heat: UInt32 { .max - 1 }

    private(set) var homes = Arena<Home>(capacity: 32)

    /// A local, or the base of memory 0, that would profit from a register.
    private var general = Arena<Candidate>(capacity: 32)
    private var vector = Arena<Candidate>(capacity: 32)

    // Not private: debug builds would refer to private metadata from other files.
    struct Candidate: BitwiseCopyable {
        var weight: UInt32
        var local: UInt32
        /// Where it is when the function starts.
        var arrival: PhysicalRegister
    }

    init() {}

    mutating func removeAll() {
        homes.removeAll()
        general.removeAll()
        vector.removeAll()
    }

    /// Adds a candidate, which is in register `arrival` when the function starts, if in any.
    mutating func add(
        _ local: UInt32, weight: UInt32, inVector: Bool, arrival: PhysicalRegister,
        _ plan: RegisterPlan
    ) {
        let candidate = Candidate(weight: weight, local: local, arrival: arrival)
        if inVector {
            Self.insert(candidate, into: &vector, limit: plan.vector.homeCount)
        } else {
            Self.insert(candidate, into: &general, limit: plan.general.homeCount)
        }
    }

    /// Keeps the heaviest `limit` candidates, heaviest first.
    private static func insert(
        _ candidate: Candidate, into list: inout Arena<Candidate>, limit: Int
    ) {
        guard candidate.weight > 0 else { return }
        if list.count == limit {
            guard list[limit &- 1].weight < candidate.weight else { return }
            list.removeLast()
        }
        list.append(candidate)
        var place = list.count &- 1
        while place > 0, list[place &- 1].weight < candidate.weight {
            list[place] = list[place &- 1]
            place &-= 1
        }
        list[place] = candidate
    }

    /// Gives `homes` to those that profit from them, in a function whose calls weigh `callWeight`.
    mutating func assign(_ plan: RegisterPlan, callWeight: UInt32) {
        let calls = callWeight.multipliedReportingOverflow(by: 2)
        let threshold = calls.overflow ? UInt32.max : calls.partialValue
        var roles = plan.general
        for place in 0..<general.count {
            settle(general[place], &roles, threshold, hasCalls: callWeight > 0)
        }
        roles = plan.vector
        for place in 0..<vector.count {
            settle(vector[place], &roles, threshold, hasCalls: callWeight > 0)
        }
    }

    /// Takes the candidate's home out of `roles`, which are what is left.
    private mutating func settle(
        _ candidate: Candidate, _ roles: inout RegisterRoles, _ threshold: UInt32, hasCalls: Bool
    ) {
        let isBetweenCalls = candidate.local == Self.heat
        let prefersSaved = hasCalls && !isBetweenCalls || roles.volatileHomes.isEmpty
        if prefersSaved, candidate.weight > 2, !roles.savedHomes.isEmpty {
            let register = roles.savedHomes.first
            roles.savedHomes = roles.savedHomes.rest
            homes.append(Home(local: candidate.local, register: register))
        } else if candidate.weight > threshold || isBetweenCalls, !roles.volatileHomes.isEmpty {
            // Parameters arrive in the first ones first.
            var register = isBetweenCalls ? roles.volatileHomes.last : roles.volatileHomes.first
            let arrival = candidate.arrival
            if !arrival.isNone, roles.volatileHomes.has(arrival) { register = arrival }
            roles.volatileHomes.remove(RegisterSet(register))
            homes.append(Home(local: candidate.local, register: register))
        }
    }
}

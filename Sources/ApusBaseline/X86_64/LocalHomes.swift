internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Chooses where a function's locals live.
extension BaselineCompiler {
    /// A local, or the base of memory 0, that would profit from a register.
    struct Candidate: BitwiseCopyable {
        var weight: UInt32
        /// `memoryBase` for the base of memory 0.
        var local: UInt32

        static var memoryBase: UInt32 { .max }
    }

    /// How many locals can live in registers of each kind.
    private static var generalHomeCount: Int { 8 }
    private static var floatHomeCount: Int { 9 }

    mutating func assignHomes(_ analysis: borrowing BodyAnalysis) {
        let missing = analysis.locals.count &- locals.count
        if missing > 0 {
            let none = LocalHome(register: LocalHome.none, type: .i32)
            locals.append(repeating: none, count: missing)
            localSlots.append(repeating: 0, count: missing)
        }
        homes = 0
        savedRegisters = []
        memoryBaseHome = LocalHome.none
        var general = Arena<Candidate>(capacity: Self.generalHomeCount + 1)
        var float = Arena<Candidate>(capacity: Self.floatHomeCount + 1)
        var index = analysis.locals.nextUsed(0)
        while index < analysis.locals.count {
            let type = ValueClass(analysis.locals.type(index))
            locals[index] = LocalHome(register: LocalHome.none, type: type)
            let candidate = Candidate(
                weight: analysis.locals.weight(index), local: UInt32(truncatingIfNeeded: index))
            if type.isInVector {
                Self.insert(candidate, into: &float, limit: Self.floatHomeCount)
            } else if type != .reference {
                Self.insert(candidate, into: &general, limit: Self.generalHomeCount)
            }
            index = analysis.locals.nextUsed(index &+ 1)
        }
        if analysis.memoryWeight > 1 {
            Self.insert(
                Candidate(weight: analysis.memoryWeight, local: Candidate.memoryBase),
                into: &general, limit: Self.generalHomeCount)
        }
        // A register that calls destroy costs a store and a load around each call.
        let callCost = analysis.callWeight.multipliedReportingOverflow(by: 2)
        let volatileThreshold = callCost.overflow ? UInt32.max : callCost.partialValue
        placeGeneral(general, volatileThreshold, hasCalls: analysis.callWeight > 0)
        placeFloat(float, volatileThreshold)
        // Whoever is left by an exception may have kept any of them for a caller further up.
        if analysis.flags.contains(.catches) { savedRegisters = savedHomes }
        freeGeneral = GeneralSet.temporaries.union(.volatileHomes)
            .subtracting(GeneralSet(rawValue: UInt16(truncatingIfNeeded: homes)))
        freeFloat = FloatSet.temporaries.union(.homes)
            .subtracting(FloatSet(rawValue: UInt16(truncatingIfNeeded: homes >> 16)))
        let saved = UInt32(GeneralSet.savedHomes.rawValue)
        volatileHomes = homes & ~saved
        homeState = HomeState(valid: homes, dirty: homes)
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

    private mutating func placeGeneral(
        _ candidates: borrowing Arena<Candidate>, _ volatileThreshold: UInt32, hasCalls: Bool
    ) {
        var volatile = GeneralSet.volatileHomes
        var saved = savedHomes
        for index in 0..<candidates.count {
            let candidate = candidates[index]
            let volatilePays = candidate.weight > volatileThreshold
            let savedPays = candidate.weight > 2
            // Saving a register costs two memory accesses per call of this function.
            let prefersSaved = hasCalls || volatile.isEmpty
            if prefersSaved, savedPays, !saved.isEmpty {
                let register = saved.first
                saved.remove(GeneralSet(register))
                savedRegisters.insert(GeneralSet(register))
                settle(candidate, register.rawValue)
            } else if volatilePays, !volatile.isEmpty {
                let register = arrivalRegister(candidate, volatile) ?? volatile.first
                volatile.remove(GeneralSet(register))
                settle(candidate, register.rawValue)
            }
        }
    }

    /// Registers that calls keep.
    private var savedHomes: GeneralSet {
        isFuelMetered
            ? GeneralSet.savedHomes.subtracting(GeneralSet(CallingConvention.fuel)) : .savedHomes
    }

    /// The register a parameter arrives in, if it may stay there.
    private mutating func arrivalRegister(_ candidate: Candidate, _ available: GeneralSet) -> GPR? {
        let signature = signatures.ofFunction(functionIndex)
        guard candidate.local < UInt32(bitPattern: signature.parameterCount) else { return nil }
        var next = 0
        for index in 0..<Int(candidate.local) {
            let type = signatures.type(Int(signature.parameterStart) &+ index)
            if !ValueClass(type).isInVector { next &+= 1 }
        }
        guard next < CallingConvention.generalArgumentCount else { return nil }
        let register = CallingConvention.generalArgument(next)
        return available.has(register) ? register : nil
    }

    private mutating func placeFloat(
        _ candidates: borrowing Arena<Candidate>, _ volatileThreshold: UInt32
    ) {
        var available = FloatSet.homes
        for index in 0..<candidates.count where !available.isEmpty {
            guard candidates[index].weight > volatileThreshold else { return }
            let register = available.first
            available.remove(FloatSet(register))
            settle(candidates[index], register.rawValue | 16)
        }
    }

    private mutating func settle(_ candidate: Candidate, _ register: UInt8) {
        homes |= 1 &<< UInt32(register)
        if candidate.local == Candidate.memoryBase {
            memoryBaseHome = register
            residents[Int(register)] = Candidate.memoryBase
        } else {
            locals[Int(candidate.local)].register = register
            residents[Int(register)] = candidate.local
        }
    }
}

internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// Facts about the registers locals live in.
struct HomeState: BitwiseCopyable {
    /// The register holds the local's value.
    var valid: RegisterSet
    /// The register is newer than the frame slot.
    var dirty: RegisterSet
}

/// Where a local lives.
struct LocalHome: BitwiseCopyable {
    /// A register; none if it lives in its frame slot.
    var register: PhysicalRegister
    var type: ValueClass

    @inline(__always) var inRegister: Bool { !register.isNone }
}

/// Locals and their homes.
extension BaselineCompiler {
    /// Chooses where the function's locals live.
    mutating func assignHomes(_ analysis: borrowing BodyAnalysis) {
        let missing = analysis.locals.count &- locals.count
        if missing > 0 {
            let none = LocalHome(register: .none, type: .i32)
            locals.append(repeating: none, count: missing)
            localSlots.append(repeating: 0, count: missing)
        }
        collectCandidates(analysis)
        var plan = Self.registers
        if isFuelMetered {
            plan.general.savedHomes.remove(RegisterSet(PhysicalRegister(CallingConvention.fuel)))
        }
        assignment.assign(plan, callWeight: analysis.callWeight)
        homes = []
        memoryBaseHome = .none
        heatHome = .none
        for place in 0..<assignment.homes.count {
            let home = assignment.homes[place]
            if home.local == HomeAssignment.heat {
                // Nothing is there but in loops that hold it.
                heatHome = home.register
                continue
            }
            homes.insert(RegisterSet(home.register))
            residents[home.register.index] = home.local
            if home.local == HomeAssignment.memoryBase {
                memoryBaseHome = home.register
            } else {
                locals[Int(home.local)].register = home.register
            }
        }
        let used = heatHome.isNone ? homes : homes.union(RegisterSet(heatHome))
        let kept = used.intersection(plan.general.savedHomes.union(plan.vector.savedHomes))
        saved = SavedRegisters(kept, behindContext: true)
        stack.free = plan.general.owned.union(plan.vector.owned).subtracting(used)
        volatileHomes = homes.subtracting(kept)
        homeState = HomeState(valid: homes, dirty: homes)
    }

    private mutating func collectCandidates(_ analysis: borrowing BodyAnalysis) {
        let plan = Self.registers
        assignment.removeAll()
        var arrivals = ArrivalCounter(signature: signatures.ofFunction(functionIndex))
        var index = analysis.locals.nextUsed(0)
        while index < analysis.locals.count {
            let type = ValueClass(analysis.locals.type(index))
            locals[index] = LocalHome(register: .none, type: type)
            // Debuggers look for locals in the frame.
            if type != .reference, !isDebuggable {
                assignment.add(
                    UInt32(truncatingIfNeeded: index), weight: analysis.locals.weight(index),
                    inVector: type.isInVector,
                    arrival: type.isInVector ? .none : arrival(of: index, &arrivals),
                    plan)
            }
            index = analysis.locals.nextUsed(index &+ 1)
        }
        // What stops a guest keeps no registers.
        if analysis.memoryWeight > 1, !hasStopPoints {
            assignment.add(
                HomeAssignment.memoryBase, weight: analysis.memoryWeight, inVector: false,
                arrival: .none, plan)
        }
        // Each round reads and writes it.
        if heatCount != nil, analysis.loopWeight > 0, !isDebuggable, !hasStopPoints {
            assignment.add(
                HomeAssignment.heat, weight: min(analysis.loopWeight, .max / 2) &* 2,
                inVector: false, arrival: .none, plan)
        }
    }

    /// General parameters that have been gone through, in order.
    private struct ArrivalCounter {
        let signature: Signature
        /// The next parameter, and how many general ones come before.
        var next = 0
        var general = 0
    }

    /// The register that general local `index` arrives in; none if it arrives on the stack or is no
    /// parameter. To be asked in ascending order.
    private mutating func arrival(
        of index: Int, _ counter: inout ArrivalCounter
    ) -> PhysicalRegister {
        let signature = counter.signature
        guard index < Int(signature.parameterCount),
            counter.general < CallingConvention.generalArgumentCount
        else { return .none }
        while counter.next < index {
            let type = signatures.type(Int(signature.parameterStart) &+ counter.next)
            if !ValueClass(type).isInVector { counter.general &+= 1 }
            counter.next &+= 1
        }
        return counter.general < CallingConvention.generalArgumentCount
            ? PhysicalRegister(CallingConvention.generalArgument(counter.general)) : .none
    }

    // MARK: During the function

    /// The register that holds the local that `operand` reads, if one does now; none otherwise.
    @inline(__always)
    mutating func currentHome(_ operand: Operand) -> PhysicalRegister {
        guard operand.kind == .local else { return .none }
        let home = locals[Int(operand.index)]
        return home.inRegister && homeState.valid.has(home.register) ? home.register : .none
    }

    /// Brings a local back into its home after a call. Changes no flags.
    mutating func restore(_ home: LocalHome, _ local: UInt32) {
        loadHome(home, local)
        homeState.valid.insert(RegisterSet(home.register))
        homeState.dirty.remove(RegisterSet(home.register))
    }

    /// Brings every local home: the state at control merges. Changes no flags.
    @inline(__always)
    mutating func restoreHomes() {
        if homeState.valid != homes { restoreMissingHomes() }
    }

    private mutating func restoreMissingHomes() {
        var missing = homes.subtracting(homeState.valid)
        while !missing.isEmpty {
            let register = missing.first
            missing = missing.rest
            restoreHome(register)
        }
    }

    private mutating func restoreHome(_ register: PhysicalRegister) {
        let local = residents[register.index]
        switch local {
        case HomeAssignment.memoryBase: loadMemoryBaseHome()
        default: return restore(locals[Int(local)], local)
        }
        homeState.valid.insert(RegisterSet(register))
        homeState.dirty.remove(RegisterSet(register))
    }

    /// Before a call: writes locals whose homes are among `registers` to their slots: those that it
    /// would destroy; all, if exceptions that leave it are caught here.
    mutating func saveHomes(_ registers: RegisterSet) {
        var pending = homeState.valid.intersection(homeState.dirty).intersection(registers)
        while !pending.isEmpty {
            let local = residents[pending.first.index]
            pending = pending.rest
            switch local {
            case HomeAssignment.memoryBase: break
            default: storeHome(locals[Int(local)], local)
            }
        }
        homeState.dirty.subtract(registers)
    }

    /// After a call: what lived in volatile registers is in memory only.
    @inline(__always)
    mutating func forgetVolatileHomes() {
        homeState.valid.subtract(volatileHomes)
        homeState.dirty.subtract(volatileHomes)
    }

    @inline(__always)
    mutating func markWritten(_ home: LocalHome) {
        homeState.valid.insert(RegisterSet(home.register))
        homeState.dirty.insert(RegisterSet(home.register))
    }
}

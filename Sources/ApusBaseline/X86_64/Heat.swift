public import ApusABI
internal import ApusAssembler
internal import ApusCollections
public import ApusFormat

/// A place that counts how often it runs, and what it does when that was often.
struct HotPlace: BitwiseCopyable {
    /// What it takes from.
    enum Source: BitwiseCopyable {
        /// The heat in the function's record.
        case record
        /// The heat in its register.
        case home
        /// The call's allowance.
        case slot
    }

    /// Where it goes then, and where it goes on.
    var label: Label
    var resume: Label
    /// Where it goes if other code is to take over, however hot the function is.
    var takeover: Label?
    /// The loop at whose header it is, by the offset of its first instruction in the body; 0 if
    /// there is none, or other code cannot take over there.
    var loop: UInt32
    /// The outermost loop around, the same way.
    var outermost: UInt32
    var source = Source.record
    /// Constants on the stack, which are not in their slots.
    var firstConstant: Int
    var constantCount: Int

    /// Both loops, as the runtime is told.
    var loops: UInt64 { UInt64(loop) | UInt64(outermost) &<< 32 }
}

/// A branch out of a loop that holds the heat.
struct HeatExit: BitwiseCopyable {
    var label: Label
    var target: Label
}

/// An operand that is no value in the frame yet.
struct HotConstant: BitwiseCopyable {
    var position: Int
    var operand: Operand
}

/// Counting how often code runs (`docs/abi.md`, “Tiers”): each entry and each round of a loop takes
/// from the function's heat as much as it has bytes. The runtime is told when that is below 0, and
/// may say that other code goes on with the frame.
///
/// A number in memory that each round takes from has the next round wait for it, some five times as
/// long as a short one takes. So while control is in a loop that calls nobody, and in the loops in
/// it, the heat is in a register if one pays (the loop holds it); whatever leaves the loop stores
/// it. In a loop with calls, each of which may be one of the same function, the heat would have to
/// be back in memory for each; there the call has an allowance of its own in the frame. What is
/// left of that when it ends is not counted.
extension BaselineCompiler {
    /// With more constants below it on the stack, a loop is left to the call that it is in.
    private static var constantLimit: Int { 16 }
    /// With more operands, too: all of them are looked at, for each loop.
    private static var operandLimit: Int { 256 }
    /// What a call may run in loops with calls before the heat knows.
    private static var allowance: Int32 { 4096 }
    /// An entry or a round counts as no more bytes than this: of a large body or loop, most does
    /// not run each time, and what lies in inner loops is counted there.
    private static var bytesLimit: Int { 256 }

    /// In the prologue. Changes the flags.
    mutating func countEntry(_ analysis: borrowing BodyAnalysis) {
        guard heatCount != nil, !isTooSmallToCount(analysis) else { return }
        let place = HotPlace(
            label: code.makeLabel(), resume: code.makeLabel(), loop: 0, outermost: 0,
            firstConstant: 0, constantCount: 0)
        subtractHeat(cost(ofBytes: analysis.codeEnd &- analysis.codeStart))
        code.jump(.l, place.label)
        hotPlaces.append(place)
        code.bind(place.resume)
    }

    /// Whether to count a call would take a good part of what it does, and callers that are hot
    /// have the body in its place. Who calls a function by its reference may not.
    private mutating func isTooSmallToCount(_ analysis: borrowing BodyAnalysis) -> Bool {
        let isLeaf = analysis.flags.isDisjoint(with: [.loops, .calls, .callsRuntime])
        guard isLeaf, heatCount == .bytes, !isFuelMetered,
            analysis.codeEnd &- bodyStart <= FunctionLinkage.uncountedBytes
        else { return false }
        let function = UInt32(truncatingIfNeeded: functionIndex)
        let ordinal = ordinalOfEscapingFunction(function)
        let escaping = module.escapingFunctions
        if ordinal < escaping.count, escaping[ordinal] == function { return false }
        // Without memory it does not need to be known as hot for that.
        return countsCallees || !analysis.flags.contains(.accessesMemory)
    }

    /// Before the label of the loop that was opened last. Changes no flags.
    mutating func prepareHeat(_ analysis: borrowing BodyAnalysis) {
        let record = analysis.controls[Int(frames.last.record)]
        guard heatCount != nil, frames.last.heldLoop < 0, record.branchCount > 0 else { return }
        if !record.flags.isDisjoint(with: [.calls, .callsRuntime]) {
            if heatSlot != 0, frames.last.outerLoop == 0 { grantHeat() }
        } else if !heatHome.isNone {
            loadHeat()
            frames.last.heldLoop = Int32(truncatingIfNeeded: frames.count &- 1)
        }
    }

    /// At the header of the loop that was opened last, whose label is bound. Changes the flags.
    mutating func countRound(_ analysis: borrowing BodyAnalysis) {
        guard heatCount != nil else { return }
        let record = analysis.controls[Int(frames.last.record)]
        guard record.branchCount > 0 else { return }
        let loop = UInt32(truncatingIfNeeded: reader.position &- bodyStart)
        let isInner = frames.last.outerLoop != 0
        if !isInner { frames.last.outerLoop = loop }
        var place = HotPlace(
            label: code.makeLabel(), resume: code.makeLabel(), loop: loop,
            outermost: frames.last.outerLoop, firstConstant: hotConstants.count, constantCount: 0)
        keepConstants(for: &place)
        let cost = cost(ofBytes: Int(record.end) &- reader.position)
        if frames.last.heldLoop >= 0 {
            place.source = .home
            code.alu(.sub, .w32, heatHome.general, immediate: cost)
        } else if heatSlot != 0, !record.flags.isDisjoint(with: [.calls, .callsRuntime]) {
            place.source = .slot
            code.alu(.sub, .w32, Address(.rbp, heatSlot), immediate: cost)
        } else {
            subtractHeat(cost)
        }
        code.jump(.l, place.label)
        // A call that is in an inner loop for long gets here now and then.
        if place.loop != 0, !isInner, record.flags.contains(.loops) {
            relocate(
                .takeover, code.compareZeroRelative(),
                to: UInt32(truncatingIfNeeded: functionIndex))
            let takeover = code.makeLabel()
            code.jump(.ne, takeover)
            place.takeover = takeover
        }
        hotPlaces.append(place)
        code.bind(place.resume)
    }

    /// Notes which operands are constants, at a place where they may have to be in their slots.
    private mutating func keepConstants(for place: inout HotPlace) {
        if stack.count > Self.operandLimit { return leave(&place) }
        for position in 0..<stack.count where stack[position].kind == .constant {
            if place.constantCount >= Self.constantLimit { return leave(&place) }
            hotConstants.append(HotConstant(position: position, operand: stack[position]))
            place.constantCount &+= 1
        }
    }

    /// No other code takes over there.
    private func leave(_ place: inout HotPlace) {
        if place.loop == place.outermost { place.outermost = 0 }
        place.loop = 0
        place.constantCount = 0
    }

    /// What a piece of the body with so many bytes takes.
    private func cost(ofBytes bytes: Int) -> Int32 {
        guard heatCount == .bytes else { return 1 }
        return Int32(truncatingIfNeeded: max(min(bytes, Self.bytesLimit), 1))
    }

    private mutating func subtractHeat(_ cost: Int32) {
        relocate(
            .heat, code.subtractRelative(cost), to: UInt32(truncatingIfNeeded: functionIndex))
    }

    private mutating func loadHeat() {
        relocate(
            .heldHeat, code.loadRelative(heatHome.general),
            to: UInt32(truncatingIfNeeded: functionIndex))
    }

    mutating func storeHeat() {
        relocate(
            .heldHeat, code.storeRelative(heatHome.general),
            to: UInt32(truncatingIfNeeded: functionIndex))
    }

    private mutating func grantHeat() {
        code.store(.w32, Address(.rbp, heatSlot), immediate: Self.allowance)
    }

    /// Where a branch to `label` stores the heat on its way.
    mutating func storingHeat(_ label: Label) -> Label {
        let exit = HeatExit(label: code.makeLabel(), target: label)
        heatExits.append(exit)
        return exit.label
    }

    /// Behind the function's code: what hot places do.
    mutating func emitHotPlaces() {
        for index in 0..<heatExits.count {
            code.bind(heatExits[index].label)
            storeHeat()
            code.jump(heatExits[index].target)
        }
        if hotPlaces.isEmpty { return }
        let (settle, store, notify) = (code.makeLabel(), code.makeLabel(), code.makeLabel())
        for index in 0..<hotPlaces.count {
            let place = hotPlaces[index]
            let report = place.source == .home ? store : notify
            emitHotPlace(place, at: place.label, place.source == .slot ? settle : report)
            if let takeover = place.takeover { emitHotPlace(place, at: takeover, report) }
        }
        if heatSlot != 0 {
            code.bind(settle)
            emitSettlement(notify)
        }
        if !heatHome.isNone {
            code.bind(store)
            storeHeat()
        }
        code.bind(notify)
        emitHeatCall()
    }

    private mutating func emitHotPlace(_ place: HotPlace, at label: Label, _ action: Label) {
        code.bind(label)
        for constant in 0..<place.constantCount {
            let kept = hotConstants[place.firstConstant &+ constant]
            store(kept.operand, slotAddress(kept.position))
        }
        code.moveImmediate(CallingConvention.scratch, place.loops)
        code.call(action)
        code.jump(place.resume)
    }

    /// The allowance is used up: begins a new one, and goes back if the function is not hot.
    private mutating func emitSettlement(_ notify: Label) {
        subtractHeat(Self.allowance)
        grantHeat()
        code.jump(.l, notify)
        code.ret()
    }

    /// Tells the runtime, with all that the function works on in its frame, and goes on where the
    /// call came from, or in the code that the runtime names. The scratch has the loops.
    private mutating func emitHeatCall() {
        homeState = HomeState(valid: homes, dirty: homes)
        saveHomes(homes)
        code.move(.w64, RuntimeCall.argument(1), CallingConvention.scratch)
        code.moveImmediate(RuntimeCall.argument(0), UInt64(functionIndex))
        code.move(.w64, RuntimeCall.argument(2), .rbp)
        // The return address is on the stack.
        code.alu(.sub, .w64, .rsp, immediate: 8)
        code.callRuntime(UInt64(RuntimeFunction.heat.rawValue))
        markReturn()
        code.alu(.add, .w64, .rsp, immediate: 8)
        let replaced = code.makeLabel()
        code.test(.w64, RuntimeCall.result, RuntimeCall.result)
        code.jump(.ne, replaced)
        homeState.valid = []
        restoreHomes()
        // The runtime has said how much the function may run until it is told again.
        if !heatHome.isNone { loadHeat() }
        code.ret()
        code.bind(replaced)
        restoreSavedRegisters()
        let scratch = CallingConvention.scratch
        code.load(.w64, scratch, Address(CallingConvention.context, ContextField.storeContext))
        code.load(.w64, CallingConvention.generalArgument(0), Address(scratch, StoreField.frame))
        code.leave()
        code.jump(RuntimeCall.result)
    }
}

extension BaselineCompiler {
    /// Where the code of function `index` keeps what it works on. `analysis` is what validating its
    /// body gave.
    public mutating func frameMap(
        _ index: Int, _ analysis: borrowing BodyAnalysis
    ) throws(CompilationError) -> FrameMap {
        functionIndex = index
        instructionOffset = analysis.codeStart
        assignHomes(analysis)
        try layOutFrame(analysis)
        var locals = Arena<Int32>(capacity: analysis.locals.count)
        locals.append(repeating: 0, count: analysis.locals.count)
        var local = analysis.locals.nextUsed(0)
        while local < locals.count {
            locals[local] = localSlots[local]
            local = analysis.locals.nextUsed(local &+ 1)
        }
        return FrameMap(
            locals: locals, operands: stackBase, operandStride: -slotBytes, frameBytes: frameBytes,
            argumentBytes: signatures.ofFunction(index).parameterStackBytes)
    }
}

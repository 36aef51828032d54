public import ApusABI
internal import ApusAssembler
internal import ApusCollections
public import ApusFormat

/// A place that counts how often it runs, and what it does when that was often.
struct HotPlace: BitwiseCopyable {
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
    /// Constants on the stack, which are not in their slots.
    var firstConstant: Int
    var constantCount: Int

    /// Both loops, as the runtime is told.
    var loops: UInt64 { UInt64(loop) | UInt64(outermost) &<< 32 }
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
/// long as a short one takes. So a call of a function with loops has an allowance, in a register if
/// one pays, as if it were a local: rounds take from that, and what they have taken is settled with
/// the heat when it is used up, and when the function is left.
extension BaselineCompiler {
    /// With more constants below it on the stack, a loop is left to the call that it is in.
    private static var constantLimit: Int { 16 }
    /// With more operands, too: all of them are looked at, for each loop.
    private static var operandLimit: Int { 256 }
    /// An entry or a round counts as no more bytes than this: of a large body or loop, most does
    /// not run each time, and what lies in inner loops is counted there.
    private static var bytesLimit: Int { 256 }

    /// In the prologue. Changes the flags.
    mutating func countEntry(_ analysis: borrowing BodyAnalysis) {
        guard let heatCount else { return }
        let place = HotPlace(
            label: code.makeLabel(), resume: code.makeLabel(), loop: 0, outermost: 0,
            firstConstant: 0, constantCount: 0)
        let cost = cost(ofBytes: analysis.codeEnd &- analysis.codeStart)
        if heatHome.isNone {
            subtractHeat(cost)
        } else if cost > heatCount.allowance {
            grantHeat()
            subtractHeat(cost)
        } else {
            // Settled with what the loops take.
            grantHeat(less: cost)
            relocate(
                .heat, code.compareRelative(with: 0), to: UInt32(truncatingIfNeeded: functionIndex))
        }
        code.jump(.l, place.label)
        hotPlaces.append(place)
        code.bind(place.resume)
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
        if heatHome.isNone {
            subtractHeat(cost)
        } else {
            code.alu(.sub, .w32, heatHome.general, immediate: cost)
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
        guard heatCount?.unit == .bytes else { return 1 }
        return Int32(truncatingIfNeeded: max(min(bytes, Self.bytesLimit), 1))
    }

    private mutating func subtractHeat(_ cost: Int32) {
        relocate(
            .heat, code.subtractRelative(cost), to: UInt32(truncatingIfNeeded: functionIndex))
    }

    mutating func loadHeatHome() { code.load(.w32, heatHome.general, Address(.rbp, heatSlot)) }

    mutating func storeHeatHome() { code.store(.w32, Address(.rbp, heatSlot), heatHome.general) }

    /// A whole allowance into its home, less what has been taken already. Changes no flags.
    private mutating func grantHeat(less cost: Int32 = 0) {
        let left = (heatCount?.allowance ?? 0) &- cost
        code.moveImmediate(heatHome.general, UInt64(UInt32(bitPattern: left)))
    }

    mutating func settleHeat() {
        let scratch = CallingConvention.scratch
        let function = UInt32(truncatingIfNeeded: functionIndex)
        relocate(.heldHeat, code.loadRelative(scratch), to: function)
        code.lea(
            .w32, scratch,
            Address(scratch, index: heatHome.general, 0 &- (heatCount?.allowance ?? 0)))
        relocate(.heldHeat, code.storeRelative(scratch), to: function)
    }

    /// Behind the function's code: what hot places do.
    mutating func emitHotPlaces() {
        if hotPlaces.isEmpty { return }
        let (settle, notify) = (code.makeLabel(), code.makeLabel())
        for index in 0..<hotPlaces.count {
            let place = hotPlaces[index]
            emitHotPlace(place, at: place.label, heatHome.isNone ? notify : settle)
            if let takeover = place.takeover { emitHotPlace(place, at: takeover, notify) }
        }
        if !heatHome.isNone {
            code.bind(settle)
            emitSettlement(notify)
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

    /// The allowance is used up: begins a new one, and goes back if the function is not hot. Keeps
    /// the scratch.
    private mutating func emitSettlement(_ notify: Label) {
        let home = heatHome.general
        code.lea(.w32, home, Address(home, 0 &- (heatCount?.allowance ?? 0)))
        relocate(.heldHeat, code.addRelative(home), to: UInt32(truncatingIfNeeded: functionIndex))
        grantHeat()
        code.jump(.l, notify)
        code.ret()
    }

    /// Tells the runtime, with all that the function works on in its frame, and goes on where the
    /// call came from, or in the code that the runtime names. The scratch has the loops.
    private mutating func emitHeatCall() {
        // The runtime says how much the function may run until it is told again.
        let kept = heatHome.isNone ? homes : homes.subtracting(RegisterSet(heatHome))
        homeState = HomeState(valid: kept, dirty: kept)
        saveHomes(kept)
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
        homeState.valid = heatHome.isNone ? [] : RegisterSet(heatHome)
        restoreHomes()
        if !heatHome.isNone { grantHeat() }
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

internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// A callee that has been taken in because it is hot.
struct HotCallee: BitwiseCopyable {
    var function: Int
    /// Place of its frame, and of its first local.
    var frame: Int
    var localBase: Int
}

/// What is made of how functions have run (`ModuleProfile`). Nothing of it is relied on: calls
/// compare the callee with the one that is expected, and do what they always do if it is another.
extension FunctionTranslator {
    /// The deeper a callee is in others, the smaller it is to be, by so many bytes.
    private static var bytesPerDepth: Int { 40 }
    /// A caller takes in so many bytes for each of its own, and so many without asking, but at most
    /// so many in all.
    private static var hotBytesPerByte: Int { 2 }
    private static var freeHotBytes: Int { 1024 }
    private static var mostHotBytes: Int { 16_384 }
    private static var hotLocalLimit: Int { 64 }
    /// Where the usual callee is called so many times of a hundred, others hardly ever are.
    private static var certainShare: Int { 95 }

    /// Before the body of function `index`, of `bytes` bytes.
    mutating func beginProfile(_ index: Int, _ bytes: Int) {
        functionIndex = index
        hotCallees.removeAll()
        inlinedCalls.removeAll()
        offsetBase = 0
        nextOffsetBase = bytes &+ 1
        profile = FunctionProfile(profiles?.calls(index) ?? [])
    }

    /// What is made next comes from the instruction at hand.
    @inline(__always)
    mutating func placeInstruction() {
        builder.offset = UInt32(
            truncatingIfNeeded: offsetBase &+ instructionOffset &- bodyStart)
    }

    // MARK: Usual callees

    /// Who is called, by the address of its record, with the type that it is to have.
    enum FarCallee {
        /// Of the function in a table.
        case element(Value, Int)
        /// Of the function that a reference refers to.
        case reference(Value, Int)

        var record: Value {
            switch self {
            case .element(let record, _), .reference(let record, _): record
            }
        }

        var typeIndex: Int {
            switch self {
            case .element(_, let typeIndex), .reference(_, let typeIndex): typeIndex
            }
        }
    }

    /// Calls a function by its record: the usual callee as one that is known.
    mutating func call(_ callee: FarCallee) {
        guard let usual = usualCallee(callee) else { return callAny(callee) }
        let signature = signatures[callee.typeIndex]
        if let isMet = builder.decision(on: usual.isMet) {
            return isMet ? callOwn(usual.function, signature) : callAny(callee)
        }
        let count = Int(signature.parameterCount)
        frames.append(
            TranslationFrame(
                kind: .block, signature: signature, height: stack.count &- count, record: 0,
                builder.state, changes: localChanges.count))
        frames.last.isColdOutside = isCold
        frames.last.catching = frames[frames.count &- 2].catching
        let arguments = carriedValues.count
        for place in stack.count &- count..<stack.count { carriedValues.append(stack[place]) }
        let other = branch(unless: usual.isMet)
        callOwn(usual.function, signature)
        if isRefused { return }
        if isReachable { jumpToLabel() }
        goOn(at: other, isCold: usual.share >= Self.certainShare)
        stack.truncate(to: Int(frames.last.height))
        for place in arguments..<arguments &+ count { push(carriedValues[place]) }
        callAny(callee)
        closeGuess()
    }

    /// Calls a function that the module defines, or takes it in.
    mutating func callOwn(_ index: Int, _ signature: FlatSignature) {
        if inlineCall(index, signature) { return }
        call(.call, callee: UInt32(truncatingIfNeeded: index), signature)
    }

    private mutating func callAny(_ callee: FarCallee) {
        let signature = signatures[callee.typeIndex]
        switch callee {
        case .element(let record, let typeIndex):
            guard check(record, typeIndex) else { return }
            call(.callFar, callee: record.number, signature)
        case .reference(let record, _):
            call(.callFar, callee: record.number, trap: .nullFunctionReference, signature)
        }
    }

    /// Leaves the function for the usual callee, if it is that one; what follows is for others.
    mutating func tailCallUsual(_ callee: FarCallee) {
        guard let usual = usualCallee(callee), builder.decision(on: usual.isMet) == nil else {
            return
        }
        let count = Int(signatures[callee.typeIndex].parameterCount)
        let other = branch(unless: usual.isMet)
        for place in stack.count &- count..<stack.count {
            builder.function.pool.append(stack[place].number)
        }
        endBlock(
            ApusIR.Instruction(
                .tailCall, .none, a: UInt32(truncatingIfNeeded: usual.function),
                b: UInt32(truncatingIfNeeded: builder.function.pool.count &- count),
                c: UInt32(truncatingIfNeeded: count)))
        openBlock(dominatedBy: builder.function[other].source)
        isReachable = true
        builder.learn(along: other)
        builder.function.edges[other.index].target = block
    }

    /// The function that the call at hand mostly calls, and whether it is the one now.
    ///
    /// A record in this instance's context is that of the instance's own function. So one
    /// comparison tells both, and with them that the callee is not null and has the type.
    private mutating func usualCallee(
        _ callee: FarCallee
    ) -> (function: Int, share: Int, isMet: Value)? {
        let offset = UInt32(truncatingIfNeeded: instructionOffset &- bodyStart)
        guard let call = profile.call(at: offset) else { return nil }
        let function = Int(call.function)
        guard function >= module.importedFunctionCount, function < module.functions.count,
            let record = record(ofFunction: call.function),
            has(function, type: callee.typeIndex)
        else { return nil }
        let isMet = builder.value(
            ApusIR.Instruction(
                .compare, .i32, callee.record, record,
                immediate: IntegerCondition.equal.rawValue))
        return (function, call.share, isMet)
    }

    private mutating func has(_ function: Int, type: Int) -> Bool {
        let own = signatures.place(signatures.typeIndex(ofFunction: function)).canonical
        return signatures.isSubtype(own, of: signatures.place(type).canonical)
    }

    // MARK: Two ways

    /// Goes on where `condition`, an i32, is not 0, and returns the other way.
    mutating func branch(unless condition: Value) -> Edge {
        let met = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        let other = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        endBlock(
            ApusIR.Instruction(
                .branch, .none, a: condition.number, b: met.number, c: other.number))
        openBlock(dominatedBy: block)
        isReachable = true
        builder.learn(along: met)
        builder.function.edges[met.index].target = block
        return other
    }

    /// Goes on with the other way, as all was when the innermost frame was opened.
    mutating func goOn(at other: Edge, isCold isOtherCold: Bool) {
        undoChanges(from: Int(frames.last.changesStart))
        builder.state = frames.last.stateAtElse
        isCold = frames.last.isColdOutside || isOtherCold
        openBlock(dominatedBy: builder.function[other].source)
        isReachable = true
        builder.learn(along: other)
        builder.function.edges[other.index].target = block
    }

    /// Goes on where both ways meet.
    mutating func closeGuess() {
        if isReachable { jumpToLabel() }
        let closed = frames.last
        undoChanges(from: Int(closed.changesStart))
        stack.truncate(to: Int(closed.height))
        removeFrame()
        if closed.branches.count > 0 { openLabel(closed) }
    }

    // MARK: Hot callees

    /// Takes in the body of function `index`, if that is hot, with the places in it.
    mutating func inlineHot(_ index: Int, _ signature: FlatSignature) -> Bool {
        let depth = hotCallees.count
        let bytes = bodyBytes(index)
        guard let profiles, depth < CalleeValidators.depthLimit, hasRoom(for: bytes),
            !isOpen(index)
        else { return false }
        guard bytes &+ Self.bytesPerDepth &* depth <= profiles.inliningBytes(index) else {
            return false
        }
        var callee = calleeValidators.take(depth)
        let isTakenIn = inlineHot(index, signature, profiles, &callee)
        calleeValidators.giveBack(callee, depth)
        return isTakenIn
    }

    private mutating func hasRoom(for bytes: Int) -> Bool {
        let own = bodyBytes(functionIndex)
        let limit = min(Self.freeHotBytes &+ Self.hotBytesPerByte &* own, Self.mostHotBytes)
        return inlinedBytes &+ bytes <= limit
            && nextOffsetBase &+ bytes < Int(InlinedCall.offsetLimit)
    }

    /// Whether the body of function `index` is being translated: then a call of it is one.
    private mutating func isOpen(_ index: Int) -> Bool {
        if index == functionIndex { return true }
        for place in 0..<hotCallees.count where hotCallees[place].function == index { return true }
        return false
    }

    private mutating func inlineHot(
        _ index: Int, _ signature: FlatSignature, _ profiles: ModuleProfile,
        _ callee: inout FunctionValidator
    ) -> Bool {
        do throws(ModuleError) {
            try callee.validate(index)
        } catch {
            return false
        }
        guard callee.analysis.locals.count <= Self.hotLocalLimit else { return false }
        let caller = position
        let outer = (bodyStart, offsetBase, hints, profile, builder.offset)
        openHot(index, FunctionProfile(profiles.calls(index)))
        openInlined(signature, callee.analysis)
        hotCallees.append(
            HotCallee(function: index, frame: inlineFrame, localBase: localBase))
        translateHot(callee.analysis)
        _ = hotCallees.removeLast()
        (bodyStart, offsetBase, hints, profile, builder.offset) = outer
        position = caller
        return true
    }

    private mutating func openHot(_ index: Int, _ calleeProfile: FunctionProfile) {
        let body = module.bodies[index &- module.importedFunctionCount]
        let bytes = bodyBytes(index)
        inlinedCalls.append(
            InlinedCall(
                start: UInt32(truncatingIfNeeded: nextOffsetBase),
                function: UInt32(truncatingIfNeeded: index), caller: builder.offset))
        offsetBase = nextOffsetBase
        nextOffsetBase &+= bytes &+ 1
        inlinedBytes &+= bytes
        sizeLimit = min(sizeLimit &+ bytes &* Self.sizePerByte, Self.giantSize)
        bodyStart = Int(body.start)
        hints = module.branchHints.range(of: body)
        profile = calleeProfile
    }

    private mutating func translateHot(_ analysis: borrowing BodyAnalysis) {
        let frameCount = frames.count
        reader.move(from: analysis.codeStart, to: analysis.codeEnd)
        while frames.count >= frameCount {
            instructionOffset = reader.position
            placeInstruction()
            translate(reader.next(), analysis)
            if isTooLarge || mustStop() { isRefused = true }
            if isRefused { return }
            if !isReachable, frames.count >= frameCount { skipUnreachable(analysis) }
        }
    }

    /// From here on locals belong to callees that a branch to the label of the frame at `index`
    /// leaves.
    mutating func localEnd(atFrame index: Int) -> Int {
        var end = Int.max
        for place in (0..<hotCallees.count).reversed() where hotCallees[place].frame > index {
            end = hotCallees[place].localBase
        }
        return end
    }
}

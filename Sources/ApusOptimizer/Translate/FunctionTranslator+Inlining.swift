internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Calls of small functions are replaced by what they do.
///
/// Always those of functions that call nothing, loop nowhere and can neither trap nor be stopped: a
/// backtrace never misses them. What has run often (`ModuleProfile`) may do all of that; then
/// places in its code say whose they are (`InlinedCall`). The callee may come later in the module,
/// so it is validated first.
extension FunctionTranslator {
    /// Bodies with more bytes are called.
    private static var bodyLimit: Int { 64 }
    /// Functions with more locals are called.
    private static var localLimit: Int { 64 }
    /// A caller takes in no more bytes than this in all.
    private static var totalLimit: Int { 4096 }

    /// What is known of a function as a callee.
    enum InliningVerdict: UInt8, BitwiseCopyable {
        case unknown, called, inlined
    }

    /// Takes in the body of function `index`, whose arguments are on the stack; false if it is to
    /// be called.
    mutating func inlineCall(_ index: Int, _ signature: FlatSignature) -> Bool {
        // A callee pays for itself, and stops where it starts.
        if isFuelMetered { return false }
        return inlineSimple(index, signature) || inlineHot(index, signature)
    }

    private mutating func inlineSimple(_ index: Int, _ signature: FlatSignature) -> Bool {
        if inlineFrame >= 0 || verdicts[index] == .called { return false }
        let bytes = bodyBytes(index)
        guard bytes <= Self.bodyLimit, inlinedBytes &+ bytes <= Self.totalLimit else {
            return false
        }
        var callee = calleeValidators.take(0)
        let isTakenIn = inlineSimple(index, signature, &callee)
        if isTakenIn { inlinedBytes &+= bytes }
        verdicts[index] = isTakenIn ? .inlined : .called
        calleeValidators.giveBack(callee, 0)
        return isTakenIn
    }

    mutating func bodyBytes(_ index: Int) -> Int {
        let body = module.bodies[index &- module.importedFunctionCount]
        return Int(body.end &- body.start)
    }

    private mutating func inlineSimple(
        _ index: Int, _ signature: FlatSignature, _ callee: inout FunctionValidator
    ) -> Bool {
        do throws(ModuleError) {
            try callee.validate(index)
        } catch {
            // Its own turn to be compiled will come.
            return false
        }
        if verdicts[index] == .unknown, !isSimple(callee.analysis) { return false }
        let caller = position
        openInlined(signature, callee.analysis)
        let frameCount = frames.count
        reader.move(from: callee.analysis.codeStart, to: callee.analysis.codeEnd)
        while frames.count >= frameCount {
            // What is computed here counts as part of the call.
            instructionOffset = reader.position
            translate(reader.next(), callee.analysis)
            // The reader may be in the middle of an instruction.
            if isRefused { break }
            if !isReachable, frames.count >= frameCount { skipUnreachable(callee.analysis) }
        }
        position = caller
        return true
    }

    /// Where in which body the translation is.
    struct Position {
        var reader: InstructionReader
        var instructionOffset: Int
        var nextRecord: Int
        var localBase: Int
        var localCount: Int
        var inlineFrame: Int
    }

    var position: Position {
        mutating get {
            Position(
                reader: reader, instructionOffset: instructionOffset, nextRecord: nextRecord,
                localBase: localBase, localCount: localCount, inlineFrame: inlineFrame)
        }
        set {
            reader = newValue.reader
            instructionOffset = newValue.instructionOffset
            nextRecord = newValue.nextRecord
            localBase = newValue.localBase
            localCount = newValue.localCount
            inlineFrame = newValue.inlineFrame
        }
    }

    /// Whether the body is one that may be taken in.
    private mutating func isSimple(_ analysis: borrowing BodyAnalysis) -> Bool {
        if analysis.locals.count > Self.localLimit { return false }
        if !analysis.flags.isDisjoint(with: [
            .calls, .leavesInstance, .loops, .accessesMemory, .growsMemory, .callsRuntime,
        ]) {
            return false
        }
        var scanner = reader
        scanner.move(from: analysis.codeStart, to: analysis.codeEnd)
        while scanner.position < analysis.codeEnd {
            let operation = scanner.next()
            scanner.skipImmediates(of: operation)
            if !operation.isSimple { return false }
        }
        return true
    }

    mutating func openInlined(
        _ signature: FlatSignature, _ analysis: borrowing BodyAnalysis
    ) {
        let count = Int(signature.parameterCount)
        let start = stack.count &- count
        localBase &+= localCount
        localCount = analysis.locals.count
        reserveLocals(localBase &+ localCount)
        var local = analysis.locals.nextUsed(0)
        while local < localCount {
            let type = IRType(analysis.locals.type(local))
            declare(localBase &+ local, type, local < count ? stack[start &+ local] : zero(type))
            local = analysis.locals.nextUsed(local &+ 1)
        }
        stack.truncate(to: start)
        var own = signature
        own.parameterCount = 0
        inlineFrame = frames.count
        frames.append(
            TranslationFrame(
                kind: .inlined, signature: own, height: start, record: 0, builder.state,
                changes: localChanges.count))
        frames.last.isColdOutside = isCold
        frames.last.catching = frames[inlineFrame &- 1].catching
        nextRecord = 1
    }

    /// Leaves the body that is taken in: its results are on the stack.
    mutating func endInlined() {
        let frame = frames.last
        if frame.branches.count > 0, isReachable {
            let edge = makePendingEdge(to: frames.count &- 1)
            endBlock(ApusIR.Instruction(.jump, .none, a: edge.number))
        }
        // All that it has changed is its own.
        undoChanges(from: Int(frame.changesStart))
        let closed = frames.last
        removeFrame()
        if closed.branches.count > 0 {
            stack.truncate(to: Int(closed.height))
            openLabel(closed)
        } else if !isReachable {
            stack.truncate(to: Int(closed.height))
        }
    }
}

extension Operation {
    /// Neither traps nor leaves the function, nor goes back in it.
    fileprivate var isSimple: Bool {
        switch self {
        case .nop, .block, .if, .else, .end, .br, .brIf, .brTable, .return, .drop, .select,
            .selectTyped, .localGet, .localSet, .localTee, .globalGet, .globalSet, .i32Const,
            .i64Const, .f32Const, .f64Const, .test, .compare, .wide, .refNull, .refIsNull,
            .refFunc:
            true
        case .unary: true
        case .binary(let type, let binary):
            switch binary {
            case .divideSigned, .divideUnsigned, .remainderSigned, .remainderUnsigned:
                !type.isInteger
            case .add, .subtract, .multiply, .and, .or, .xor, .shiftLeft, .shiftRightSigned,
                .shiftRightUnsigned, .rotateLeft, .rotateRight, .divide, .minimum, .maximum,
                .copySign:
                true
            }
        case .convert(let conversion): !conversion.traps
        case .vectorConst, .vectorShuffle, .vectorSplat, .vectorExtractLane, .vectorReplaceLane,
            .vectorNot, .vectorAnyTrue, .vectorBitwise, .vectorBitselect, .vectorAllTrue,
            .vectorBitmask, .vectorCompare, .vectorShift, .vectorUnary, .vectorBinary,
            .vectorTernary, .vectorConvert:
            true
        case .unreachable, .loop, .brOnNull, .brOnNonNull, .brOnCast, .brOnCastFail, .call,
            .callRef, .callIndirect, .returnCall, .returnCallRef, .returnCallIndirect, .throw,
            .throwRef, .tryTable, .tableGet, .tableSet, .tableSize, .tableGrow, .tableFill,
            .tableCopy, .tableInit, .elementDrop, .load, .store, .memorySize, .memoryGrow,
            .memoryFill, .memoryCopy, .memoryInit, .dataDrop, .refAsNonNull, .refEq, .refTest,
            .refCast, .structNew, .structGet, .structSet, .arrayNew, .arrayNewFixed,
            .arrayNewData, .arrayNewElement, .arrayGet, .arraySet, .arrayLength, .arrayFill,
            .arrayCopy, .arrayInitData, .arrayInitElement, .refI31, .i31Get, .anyConvertExtern,
            .externConvertAny, .vectorLoad, .vectorStore, .vectorLoadLane, .vectorStoreLane,
            .atomicNotify, .atomicWait, .atomicFence, .atomicLoad, .atomicStore,
            .atomicReadModifyWrite, .atomicCompareExchange:
            false
        }
    }
}

extension Conversion {
    /// Of numbers that may be out of range.
    fileprivate var traps: Bool {
        switch self {
        case .i32TruncF32Signed, .i32TruncF32Unsigned, .i32TruncF64Signed, .i32TruncF64Unsigned,
            .i64TruncF32Signed, .i64TruncF32Unsigned, .i64TruncF64Signed, .i64TruncF64Unsigned:
            true
        default: false
        }
    }
}

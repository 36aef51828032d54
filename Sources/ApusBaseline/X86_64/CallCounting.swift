internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// What a call does if its callee is not the one that it is counted for.
struct OtherCallee: BitwiseCopyable {
    /// Where that is, and where the call goes on.
    var label: Label
    var resume: Label
    var bodyOffset: UInt32
}

/// Counting where calls through tables and references go (`CallCounts`), so that the optimizing
/// compiler knows.
///
/// All threads add to the same counts, and take no care: what is lost of a number by that makes no
/// code wrong, since whatever is made of the counts looks first which callee it is. The callee
/// itself is one word, which is read and written as one.
extension BaselineCompiler {
    /// A function with more such calls is too large to be compiled anew for their sake.
    private static var countedCallLimit: Int { 4096 }

    /// Before a call, all of whose arguments are in place. The address of the callee's record is
    /// in the scratch register and stays there.
    mutating func count(_ callee: Callee, _ signature: Signature, from first: Int) {
        switch callee {
        case .own, .imported: return
        case .element, .reference: break
        }
        guard countsCallees, countedCalls.count < Self.countedCallLimit,
            hasFreeRegisters(signature)
        else { return }
        let place = CallingConvention.callCounting.0
        let other = OtherCallee(
            label: code.makeLabel(), resume: code.makeLabel(), bodyOffset: bodyOffset)
        code.move(.w64, place, CallingConvention.scratch)
        code.alu(.sub, .w64, place, CallingConvention.context)
        relocateCounts(.counts, code.compareRelative(place), other.bodyOffset)
        code.jump(.ne, other.label)
        relocateCounts(.hits, code.incrementRelative(.w32), other.bodyOffset)
        code.bind(other.resume)
        countedCalls.append(other)
    }

    private mutating func hasFreeRegisters(_ signature: Signature) -> Bool {
        var count = 0
        let start = Int(signature.parameterStart)
        for parameter in start..<start &+ Int(signature.parameterCount)
        where signatures.type(parameter).isGeneral {
            count &+= 1
        }
        return count <= CallCounts.generalArgumentLimit
    }

    private mutating func relocateCounts(
        _ kind: CodeRelocation.Kind, _ place: Int, _ bodyOffset: UInt32
    ) {
        relocations.append(
            CodeRelocation(
                kind, codeOffset: place &- functionStart,
                function: UInt32(truncatingIfNeeded: functionIndex), bodyOffset: bodyOffset))
    }

    /// Behind the function's code: what happens if the callee is another one.
    mutating func emitOtherCallees() {
        if countedCalls.isEmpty { return }
        let shared = code.makeLabel()
        for index in 0..<countedCalls.count {
            let other = countedCalls[index]
            code.bind(other.label)
            relocateCounts(
                .counts, code.leaRelative(CallingConvention.callCounting.1), other.bodyOffset)
            code.call(shared)
            code.jump(other.resume)
        }
        code.bind(shared)
        emitMiss()
    }

    /// Counts a callee that is not the one whose counts these are. When others have come as often
    /// as that one, this one takes its place.
    private mutating func emitMiss() {
        let (place, counts) = CallingConvention.callCounting
        let scratch = CallingConvention.scratch
        let isKept = code.makeLabel()
        code.push(scratch)
        code.load(.w32, scratch, Address(counts, CallCounts.hitsOffset))
        code.alu(.cmp, .w32, scratch, Address(counts, CallCounts.missesOffset))
        code.pop(scratch)
        code.jump(.a, isKept)
        code.store(.w64, Address(counts), place)
        // One hit, no misses.
        code.store(.w64, Address(counts, CallCounts.hitsOffset), immediate: 1)
        code.ret()
        code.bind(isKept)
        code.alu(.add, .w32, Address(counts, CallCounts.missesOffset), immediate: 1)
        code.ret()
    }
}

internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// What is known of places in the code: where it can trap, where calls come back.
extension BaselineCompiler {
    @inline(__always)
    var bodyOffset: UInt32 {
        mutating get { UInt32(truncatingIfNeeded: instructionOffset &- bodyStart) }
    }

    /// Offset of the present position from the function's start.
    @inline(__always)
    var codeOffset: UInt32 {
        mutating get { UInt32(truncatingIfNeeded: code.count &- functionStart) }
    }

    /// Records that the code at the present position can stop with `trap`.
    @inline(__always)
    mutating func markSite(_ trap: TrapCode) {
        sites.traps.append(
            TrapSite(codeOffset: codeOffset, bodyOffset: bodyOffset, code: trap))
    }

    /// Records that the call before the present position returns to it, with the number of the list
    /// of its handlers, or -1. All calls are recorded here.
    @inline(__always)
    mutating func markReturn(handlers: Int32 = -1) {
        sites.calls.append(
            CallSite(
                codeOffset: codeOffset, bodyOffset: bodyOffset,
                handlers: handlers < 0 ? nil : UInt32(bitPattern: handlers), saved: saved))
    }

    mutating func emitColdTraps() {
        for index in 0..<coldTraps.count {
            let cold = coldTraps[index]
            code.bind(cold.label)
            sites.traps.append(
                TrapSite(codeOffset: codeOffset, bodyOffset: cold.bodyOffset, code: cold.code))
            emitStop()
        }
    }
}

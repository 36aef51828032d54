internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Making objects, where the store context says that there is room.
extension BaselineCompiler {
    /// The address of a new object of structure or array `type`, all zeros besides its header, in a
    /// register that is the caller's. No other register changes, whoever makes it.
    mutating func allocate(_ type: Int, bytes: Int, length: UInt32 = 0) -> GPR {
        let object = allocateGeneral()
        let cold = ColdAllocation(
            of: object, type: layout.signature(type), .constant(length), at: bodyOffset,
            code.makeLabel(), back: code.makeLabel())
        if bytes > ObjectLayout.inlineBytes {
            callAllocation(cold)
            return object
        }
        let store = allocateGeneral()
        let end = Address(object, Int32(truncatingIfNeeded: bytes))
        let isTooLarge = code.findRoom(for: object, end: end, store)
        code.jump(isTooLarge, cold.label)
        code.makeObject(object, type: cold.type, cold.length, store)
        code.bind(cold.back)
        coldAllocations.append(cold)
        free(store)
        return object
    }

    /// Has the runtime make the object.
    private mutating func callAllocation(_ cold: ColdAllocation) {
        code.callAllocation(type: cold.type, cold.length)
        sites.calls.append(CallSite(codeOffset: codeOffset, bodyOffset: cold.bodyOffset))
        code.move(.w64, cold.object, CallingConvention.scratch)
    }

    /// What has been put off because there is hardly ever no room.
    mutating func emitColdAllocations() {
        for index in 0..<coldAllocations.count {
            let cold = coldAllocations[index]
            code.bind(cold.label)
            callAllocation(cold)
            code.jump(cold.back)
        }
    }
}

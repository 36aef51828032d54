internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// An object for which there is no room at hand: the runtime makes it.
struct ColdAllocation: BitwiseCopyable {
    var label: Label
    var back: Label
    var bodyOffset: UInt32
    var type: Int32
    var length: UInt32
    var object: GPR
}

/// Making objects, where the store context says that there is room.
extension BaselineCompiler {
    /// The address of a new object of structure or array `type`, all zeros besides its header, in a
    /// register that is the caller's. No other register changes, whoever makes it.
    mutating func allocate(_ type: Int, bytes: Int, length: UInt32 = 0) -> GPR {
        let object = allocateGeneral()
        let cold = ColdAllocation(
            label: code.makeLabel(), back: code.makeLabel(), bodyOffset: bodyOffset,
            type: Int32(truncatingIfNeeded: type), length: length, object: object)
        if bytes > ObjectLayout.inlineBytes {
            callAllocation(cold)
            return object
        }
        let store = allocateGeneral()
        let scratch = CallingConvention.scratch
        let context = CallingConvention.context
        code.load(.w64, store, Address(context, ContextField.storeContext))
        code.load(.w64, object, Address(store, StoreField.heapNext))
        code.lea(.w64, scratch, Address(object, Int32(truncatingIfNeeded: bytes)))
        code.alu(.cmp, .w64, scratch, Address(store, StoreField.heapLimit))
        code.jump(.a, cold.label)
        code.store(.w64, Address(store, StoreField.heapNext), scratch)
        code.load(.w32, scratch, Address(context, layout.signature(type)))
        code.store(.w32, Address(object, ObjectLayout.type), scratch)
        if length > 0 {
            code.store(
                .w32, Address(object, ObjectLayout.length),
                immediate: Int32(bitPattern: length))
        }
        // With its mark it becomes an object: what comes before may be left undone.
        code.move(.w64, scratch, object)
        code.shift(.shr, .w64, scratch, immediate: UInt8(ObjectLayout.granuleShift))
        code.alu(.add, .w64, scratch, Address(store, StoreField.heapMarks))
        code.store(.w8, Address(scratch), immediate: Int32(ObjectLayout.newMark))
        code.bind(cold.back)
        coldAllocations.append(cold)
        freeGeneral.insert(GeneralSet(store))
        return object
    }

    /// Has the runtime make the object.
    private mutating func callAllocation(_ cold: ColdAllocation) {
        let scratch = CallingConvention.scratch
        let context = CallingConvention.context
        code.push(Address(context, layout.signature(Int(cold.type))))
        code.moveImmediate(scratch, UInt64(cold.length))
        code.push(scratch)
        code.load(.w64, scratch, Address(context, ContextField.storeContext))
        code.call(Address(scratch, StoreField.allocate))
        sites.calls.append(CallSite(codeOffset: codeOffset, bodyOffset: cold.bodyOffset))
        code.move(.w64, cold.object, scratch)
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

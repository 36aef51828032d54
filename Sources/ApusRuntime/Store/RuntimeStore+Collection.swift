internal import ApusFormat
internal import CApusHost

extension RuntimeStore {
    /// Lets go of host objects and exceptions that nothing of the store refers to. Besides tables,
    /// globals and the stack, `count` words at `cells` hold references.
    // SAFETY: the stack is read from here up to where wasm was first entered, all of which is in
    // use by this thread; `cells` has `count` cells.
    func collect(cells: UnsafeMutablePointer<UInt64>?, count: Int) {
        exceptions.beginMarking()
        for table in tables where table.type.element.refersToObjects {
            for index in 0..<table.count { mark(table.get(index) ?? 0) }
        }
        for global in globals where global.type.value.refersToObjects { mark(global.bits) }
        if let cells = unsafe cells {
            for index in 0..<count { mark(unsafe cells[index]) }
        }
        if unsafe outermostStackAddress != 0 { markRegistersAndStack() }
        while let exception = exceptions.takeUnread() {
            for cell in 0..<exception.cellCount { mark(exception[cell]) }
        }
        let gone = exceptions.sweep()
        let released = externals.sweep()
        setAttention(apus_attention_collect, false)
        // Here, with the tables in order again, their deinitialisers may do what they want.
        _ = consume gone
        _ = consume released
    }

    /// Notes that `word`, if it is a reference to a host object or an exception, is still held.
    private func mark(_ word: UInt64) {
        externals.mark(word)
        exceptions.mark(word)
    }

    /// A suspended frame may have an address that it has got from a reference in a register that
    /// callees keep: these are among the words on the stack, then.
    private func markRegistersAndStack() {
        unsafe apus_with_registers_on_stack(
            { unsafe Unmanaged<RuntimeStore>.fromOpaque($0!).takeUnretainedValue().markStack() },
            Unmanaged.passUnretained(self).toOpaque())
    }

    /// Every word between here and the outermost entry may be a reference of a suspended frame.
    @inline(never)
    private func markStack() {
        var address = apus_stack_address() & ~7
        while unsafe address < outermostStackAddress {
            guard let word = unsafe UnsafePointer<UInt64>(bitPattern: address) else { return }
            mark(unsafe word.pointee)
            address &+= 8
        }
    }
}

extension ValueType {
    /// Whether values of this type refer to what stores collect: host objects, or exceptions.
    var refersToObjects: Bool { isReference && (heapType == .extern || heapType == .exn) }
}

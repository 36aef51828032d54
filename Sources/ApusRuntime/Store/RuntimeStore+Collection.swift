internal import ApusFormat
internal import CApusHost

extension RuntimeStore {
    /// Lets go of host objects that nothing of the store refers to. Besides tables, globals and
    /// the stack, `count` words at `cells` hold references.
    // SAFETY: the stack is read from here up to where wasm was first entered, all of which is in
    // use by this thread; `cells` has `count` cells.
    func collectExternals(cells: UnsafeMutablePointer<UInt64>?, count: Int) {
        for table in tables where table.type.element.isExternal {
            for index in 0..<table.count { externals.mark(table.get(index) ?? 0) }
        }
        for global in globals where global.type.value.isExternal { externals.mark(global.bits) }
        if let cells = unsafe cells {
            for index in 0..<count { externals.mark(unsafe cells[index]) }
        }
        if unsafe outermostStackAddress != 0 { markStack() }
        let released = externals.sweep()
        setAttention(apus_attention_collect, false)
        // Here, with the table in order again, their deinitialisers may do what they want.
        _ = consume released
    }

    /// Every word between here and the outermost entry may be a reference of a suspended frame.
    @inline(never)
    private func markStack() {
        var address = apus_stack_address() & ~7
        while unsafe address < outermostStackAddress {
            guard let word = unsafe UnsafePointer<UInt64>(bitPattern: address) else { return }
            externals.mark(unsafe word.pointee)
            address &+= 8
        }
    }
}

extension ValueType {
    /// Whether values of this type refer to host objects.
    var isExternal: Bool { isReference && heapType == .extern }
}

internal import ApusABI
internal import ApusFormat
internal import CApusHost

/// Letting go of what nothing of the store refers to.
extension RuntimeStore {
    // SAFETY: `cells` has `count` cells.
    /// Lets go of host objects, exceptions and objects of the heap, which may refer to each other.
    /// Besides all that the store has, `count` words at `cells` hold references. They do so until
    /// the end, since what goes may collect in its turn.
    ///
    /// While a guest is found in the middle of its code, or another thread is in the store, it is
    /// put off until the next call into wasm or out of it.
    func collect(cells: UnsafeMutablePointer<UInt64>?, count: Int) {
        if hasYieldedGuest || isEnteredElsewhere {
            return setAttention(apus_attention_collect, true)
        }
        let pinnedCount = pinned.count
        defer { pinned.removeLast(pinned.count - pinnedCount) }
        unsafe pin(cells, count)
        let start = Watchdog.now()
        marksHandles = true
        exceptions.beginMarking()
        beginCollection()
        markReachable()
        endCollection(begunAt: start)
        let gone = sweepExceptions()
        let released = externals.sweep(beside: seenBytes)
        setAttention(apus_attention_collect, false)
        // Here, with the tables in order again, their deinitialisers may do what they want.
        _ = consume gone
        _ = consume released
    }

    /// Frees objects of the heap, and exceptions, which keep some: when there is no room for
    /// others, and not all is known that holds on to host objects.
    func collectHeap() {
        guard heap != nil else { return }
        let start = Watchdog.now()
        marksHandles = false
        exceptions.beginMarking()
        beginCollection()
        markReachable()
        endCollection(begunAt: start)
        _ = sweepExceptions()
    }

    /// Takes out exceptions that have not been marked. The caller lets go of them.
    private func sweepExceptions() -> [ThrownException] {
        let bytes = exceptions.byteCount
        let gone = exceptions.sweep(beside: seenBytes)
        account?.releaseExceptions(bytes - exceptions.byteCount)
        return gone
    }

    /// Bytes that the last collection has looked through: in objects, and outside of them.
    private var seenBytes: Int { rootBytes + (heap?.liveBytes ?? 0) }

    /// Marks what tables, globals and segments, the host, and the stack refer to.
    private func beginCollection() {
        heap?.beginCollection()
        rootBytes = Int(clamping: exceptions.byteCount)
        for table in tables where table.type.element.isTraced {
            for index in 0..<table.count { mark(table.get(index) ?? 0) }
            rootBytes += Int(clamping: table.count) * 8
        }
        for global in globals where global.type.value.isTraced { mark(global.bits) }
        // To find each takes as long as to look at two words.
        rootBytes += globals.count * 16
        for instance in segmentHolders {
            instance.forEachSegmentWord { mark($0) }
            rootBytes += instance.segmentWordCount * 8
        }
        heap?.rootBytes = rootBytes
        for word in pinned { mark(word) }
        roots.forEach { mark($0) }
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        if unsafe outermostStackAddress != 0 { markRegistersAndStack() }
        forEachWaitingStack { stack in
            markWords(from: stack.suspendedAddress, to: stack.highAddress)
            return true
        }
    }

    private func endCollection(begunAt start: UInt64) {
        heap?.endCollection()
        statistics.collectionNanoseconds &+= Watchdog.now() &- start
        statistics.collections += 1
    }

    /// Notes that `word`, if it is a reference, is still held.
    private func mark(_ word: UInt64) {
        heap?.mark(word)
        exceptions.mark(word)
        if marksHandles { externals.mark(word) }
    }

    /// Marks all that can be reached from what has been marked.
    private func markReachable() {
        repeat {
            heap?.trace { word in
                exceptions.mark(word)
                if marksHandles { externals.mark(word) }
            }
            while let exception = exceptions.takeUnread() {
                for cell in 0..<exception.cellCount { mark(exception[cell]) }
            }
        } while heap?.hasWaiting ?? false
    }

    // SAFETY: the store is there as long as it is collected in.
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
        // SAFETY: from here up to where wasm was first entered all of the stack is in use, by this
        // thread.
        markWords(from: apus_stack_address() & ~7, to: unsafe outermostStackAddress)
    }

    // SAFETY: a stack is read from here up to where wasm was first entered, all of which is in use
    // by this thread; or the part in use of one that a guest waits on, which nobody changes.
    private func markWords(from start: UInt, to end: UInt) {
        var address = start
        while address < end {
            guard let word = unsafe UnsafePointer<UInt64>(bitPattern: address) else { return }
            mark(unsafe word.pointee)
            address &+= 8
        }
    }
}

extension ValueType {
    /// Whether values of this type, which names engine's types, refer to what stores collect.
    var isTraced: Bool { ObjectLayout.isTraced(self, in: TypeNumbers()) }
}

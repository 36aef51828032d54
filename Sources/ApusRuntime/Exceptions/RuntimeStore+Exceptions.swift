internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost

extension RuntimeStore {
    // MARK: Making

    /// A tag that belongs to no instance, for exceptions that carry the parameters of `type`.
    public func makeTag(_ type: FunctionType) throws(ResourceError) -> ExceptionTag {
        try Self.check(type)
        let tag = ExceptionTag(type, signature: try environment.types.acquire(type))
        tags.append(tag)
        return tag
    }

    /// An exception whose values are the bits of `cells`, as many as the tag wants. It counts
    /// among those that guests keep: they may.
    public func makeException(
        _ tag: ExceptionTag, _ cells: [UInt64]
    ) throws(ResourceError) -> ThrownException {
        precondition(cells.count == tag.valueBytes / 8)
        let bytes = ThrownException.byteCount(tag)
        guard makeRoom(for: bytes, keeping: cells) else {
            throw ResourceError(
                .heap, requested: exceptions.byteCount + bytes, limit: limits.heapBytes)
        }
        let exception = try makeCharged(tag, bytes)
        for (index, cell) in cells.enumerated() { exception[index] = cell }
        return exception
    }

    /// An exception that a guest is to give its values, and then to throw. Those that guests keep
    /// may take as much as the heap.
    ///
    /// Throws `ObjectFailure`, or what the system refuses.
    func makeExceptionForGuest(_ tag: ExceptionTag) throws -> ThrownException {
        let bytes = ThrownException.byteCount(tag)
        guard makeRoom(for: bytes, keeping: []) else { throw ObjectFailure(code: .heapExhausted) }
        return try makeCharged(tag, bytes)
    }

    /// Whether exceptions may have `bytes` more, which are counted then, if need be after letting
    /// go of those that nothing refers to; `cells` may have references, too.
    private func makeRoom(for bytes: UInt64, keeping cells: [UInt64]) -> Bool {
        let limit = limits.heapBytes
        if !exceptions.needsCollection, hasRoom(for: bytes, limit) { return true }
        collect(keeping: cells)
        // With less free than that there would be hardly anything but collections.
        if hasRoom(for: bytes, limit - limit / 16) { return true }
        payForFullHeap()
        return false
    }

    /// An exception whose bytes are counted already.
    private func makeCharged(
        _ tag: ExceptionTag, _ bytes: UInt64
    ) throws(ResourceError) -> ThrownException {
        do throws(ResourceError) {
            let exception = try ThrownException(tag, ofStore: number)
            exceptions.insert(exception)
            return exception
        } catch {
            account?.releaseExceptions(bytes)
            throw error
        }
    }

    /// Whether exceptions may have `bytes` more, of `limit`. If so, and the store has an account,
    /// they are counted there from now on.
    private func hasRoom(for bytes: UInt64, _ limit: UInt64) -> Bool {
        if let account { return account.chargeException(bytes, limit: limit) }
        return exceptions.byteCount + bytes <= limit
    }

    // SAFETY: the array has its elements while it is looked at.
    /// Lets go of what nothing refers to; `cells` may have references, too.
    private func collect(keeping cells: [UInt64]) {
        var cells = cells
        unsafe cells.withUnsafeMutableBufferPointer { buffer in
            unsafe collect(cells: buffer.baseAddress, count: buffer.count)
        }
    }

    /// How many exceptions the store keeps for wasm.
    public var exceptionCount: Int { exceptions.count }

    // MARK: Throwing

    /// Has the activation that the store is in go on where it catches `exception`, as soon as the
    /// host returns to it; if it does not, it ends.
    ///
    /// One walk over the frames, and nobody has done anything for it before. What lies between is
    /// left behind: frames of the host are not among it. Most of the code there will be that of
    /// `module`.
    func raise(_ exception: ThrownException, in module: LoadedModule? = nil) {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        unsafe context.pointee.trap = UInt32(TrapCode.exception.rawValue)
        guard let handler = handler(of: exception.tag, module) else {
            unsafe context.pointee.trap = UInt32(TrapCode.interrupted.rawValue)
            return
        }
        unsafe context.pointee.catch_pc = handler.landing
        unsafe context.pointee.catch_fp = handler.frame
        let saved = handler.saved
        unsafe context.pointee.catch_saved = (saved[0], saved[1], saved[2], saved[3])
        unsafe context.pointee.exception = unsafe exception.record
        if handler.landing == 0 { pendingException = exception }
    }

    /// Where an exception lands, in which frame, and where the registers lie that calls keep.
    private struct Handler {
        var landing: UInt
        var frame: UInt
        var saved: SIMD4<UInt>
    }

    /// What handles exceptions with `tag` that leave the function that has called the host: all is
    /// 0 if the activation does not catch them; nil if it is to stop meanwhile.
    private func handler(of tag: ExceptionTag, _ module: LoadedModule?) -> Handler? {
        // SAFETY: the context is the store's own allocation, which lives as long as the store. What
        // trampolines have noted there are frames of the activation that is being left, which
        // waits.
        var walk = unsafe FrameWalk(
            counter: context.pointee.exit_pc, frame: context.pointee.exit_fp,
            end: context.pointee.entry_fp)
        // Most frames are of the module that throws, and functions of a module that have their code
        // one by one lie near each other.
        var image = module?.code.fixedImage
        var chunk = module?.code.space?.newestChunk
        var firstTag = module?.layout.tag(0) ?? 0
        while !walk.isAtEnd {
            if walk.hasLookedLong {
                if !mayGoOn { return nil }
                walk.lookOn()
            }
            if image?.covers(walk.counter) != true { image = chunk?.image(at: walk.counter) }
            if image == nil {
                let code = CodeRegistry.shared.code(at: walk.counter)
                image = code?.image
                chunk = code?.image.chunk
                firstTag = code?.module.layout.tag(0) ?? 0
            }
            guard let image else {
                // Stubs save nothing.
                walk.leaveFrame()
                continue
            }
            let landing = image.landing(of: tag, firstTag: firstTag, &walk)
            if landing != 0 {
                return Handler(landing: landing, frame: walk.frame, saved: walk.takeSaved())
            }
        }
        return Handler(landing: 0, frame: 0, saved: .zero)
    }
}

/// The frames of the activation that has called the host, from the innermost one on.
struct FrameWalk {
    // SAFETY: the frames between exit and entry belong to an activation that is suspended further
    // up this thread's stack, each above the one before; anything else is damage, and ends the
    // walk.
    // Those of functions that catch have their context where `FrameLayout` says.
    /// Where the frame's function goes on, if it does.
    private(set) var counter: UInt
    private(set) var frame: UInt
    private let end: UInt
    /// Handlers and frames that have been looked at since it was last asked whether to go on.
    private var looked = 0
    /// Where the registers lie that calls keep, by their places in `CallingConvention.calleeSaved`:
    /// in the outermost of the frames that have been left and save them. 0: none of them does.
    private var saved = SIMD4<UInt>.zero
    /// What the frame saves that was left last, which is not noted in `saved` yet: of frames one
    /// behind the other that save the same the outermost is enough.
    private var lastSaved = SavedRegisters.none
    private var lastFrame: UInt = 0
    /// The call that does not catch, of the instance that does not, and what its frame saves: what
    /// recursion comes back to.
    private var lastCounter: UInt = 0
    private var lastContext: UInt = 0
    private var lastCallSaved = SavedRegisters.none

    init(counter: UInt, frame: UInt, end: UInt) {
        self.counter = counter
        self.frame = frame
        self.end = end
    }

    var isAtEnd: Bool { frame == 0 || frame >= end }

    /// Whether so much has been looked at that it is time to ask whether to go on.
    var hasLookedLong: Bool { looked >= Self.longLook }

    /// It has been asked.
    mutating func lookOn() { looked = 0 }

    private static var longLook: Int { 100_000 }

    /// Leaves the frame if the one before was of the same call, of an instance with the same tags;
    /// false if the call has to be looked at.
    @inline(__always)
    mutating func leaveFrameOfSameCall() -> Bool {
        guard counter == lastCounter, lastContext == 0 || context == lastContext else {
            return false
        }
        leaveFrame(saving: lastCallSaved)
        return true
    }

    /// Leaves a frame of a call that has been looked at, with so many handlers, and does not catch.
    @inline(__always)
    mutating func leaveFrame(saving registers: SavedRegisters, handlers: Int) {
        looked &+= handlers
        lastCounter = counter
        lastContext = handlers > 0 ? context : 0
        lastCallSaved = registers
        leaveFrame(saving: registers)
    }

    /// The instance's context, in a frame that keeps it.
    var context: UInt { Self.word(at: frame, FrameLayout.context) }

    @inline(__always)
    mutating func leaveFrame(saving registers: SavedRegisters = .none) {
        looked &+= 1
        if registers != lastSaved { noteSaved() }
        lastSaved = registers
        lastFrame = frame
        let outer = Self.word(at: frame, FrameLayout.callerFrame)
        counter = Self.word(at: frame, FrameLayout.returnAddress)
        frame = outer <= frame ? end : outer
    }

    private mutating func noteSaved() {
        lastSaved.forEach { place, offset in
            saved[place] = lastFrame &+ UInt(bitPattern: Int(offset))
        }
    }

    /// Where the registers lie, at the end.
    mutating func takeSaved() -> SIMD4<UInt> {
        noteSaved()
        return saved
    }

    @inline(__always)
    static func word(at address: UInt, _ offset: Int32) -> UInt {
        let place = address &+ UInt(bitPattern: Int(offset))
        // SAFETY: callers have the address of a frame of the walk, or of a context that such a
        // frame has.
        return unsafe UnsafePointer<UInt>(bitPattern: place)?.pointee ?? 0
    }
}

extension CodeImage {
    /// Goes along the frames as long as their functions have their code here. The first one that
    /// catches exceptions with `tag` ends the walk: where they land. 0 if there is none, or it is
    /// time to ask whether to go on. `firstTag`: where contexts have the address of their first.
    fileprivate func landing(
        of tag: ExceptionTag, firstTag: Int32, _ walk: inout FrameWalk
    ) -> UInt {
        // SAFETY: only the address of the tag is taken.
        let address = UInt(bitPattern: unsafe tag.address)
        while !walk.isAtEnd, !walk.hasLookedLong {
            guard covers(walk.counter) else { return 0 }
            if walk.leaveFrameOfSameCall() { continue }
            let offset = UInt32(truncatingIfNeeded: walk.counter &- base)
            let context = walk.context
            var looked = 0
            let landing = sites.landing(ofCallReturningTo: offset) { handler in
                looked &+= 1
                guard let index = handler.tag else { return true }
                let place = ContextLayout.tag(Int(index), from: firstTag)
                return FrameWalk.word(at: context, place) == address
            }
            if let landing { return base &+ UInt(landing) }
            let saved = sites.call(returningTo: offset)?.saved ?? .none
            walk.leaveFrame(saving: saved, handlers: looked)
        }
        return 0
    }
}

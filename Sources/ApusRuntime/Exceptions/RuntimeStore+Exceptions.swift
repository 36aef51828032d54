internal import ApusABI
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

    /// An exception whose values are the bits of `cells`, as many as the tag wants.
    public func makeException(
        _ tag: ExceptionTag, _ cells: [UInt64]
    ) throws(ResourceError) -> ThrownException {
        let exception = try unsafe ThrownException(tag, in: context)
        precondition(cells.count == exception.cellCount)
        for (index, cell) in cells.enumerated() { exception[index] = cell }
        exceptions.insert(exception)
        return exception
    }

    /// An exception that a guest is to give its values, and then to throw.
    func makeExceptionForGuest(_ tag: ExceptionTag) throws(ResourceError) -> ThrownException {
        if exceptions.needsCollection { unsafe collect(cells: nil, count: 0) }
        let exception = try unsafe ThrownException(tag, in: context)
        exceptions.insert(exception)
        return exception
    }

    /// How many exceptions the store keeps for wasm.
    public var exceptionCount: Int { exceptions.count }

    // MARK: Throwing

    /// Has the activation that the store is in go on where it catches `exception`, as soon as the
    /// host returns to it; if it does not, it ends.
    ///
    /// One walk over the frames, and nobody has done anything for it before. What lies between is
    /// left behind: frames of the host are not among it.
    func raise(_ exception: ThrownException) {
        unsafe context.pointee.trap = UInt32(TrapCode.exception.rawValue)
        let handler = handler(of: exception.tag)
        unsafe context.pointee.catch_pc = handler.landing
        unsafe context.pointee.catch_fp = handler.frame
        unsafe context.pointee.exception = unsafe exception.record
        if handler.landing == 0 { pendingException = exception }
    }

    /// Where exceptions with `tag` land that leave the function that has called the host, and the
    /// frame there; 0 if the activation does not catch them.
    // SAFETY: the frames between exit and entry belong to the activation that has called the host,
    // further up this thread's stack, each above the one before; those of functions that catch
    // have their context where `FrameLayout` says, which ends with the module's tags.
    private func handler(of tag: ExceptionTag) -> (landing: UInt, frame: UInt) {
        var counter = unsafe context.pointee.exit_pc
        var frame = unsafe context.pointee.exit_fp
        let end = unsafe context.pointee.entry_fp
        var base: UInt = 0
        var length: UInt = 0
        var code: (image: CodeImage, module: LoadedModule)?
        while frame != 0, frame < end {
            if counter &- base > length {
                code = CodeRegistry.shared.code(at: counter)
                base = code?.image.base ?? counter
                length = UInt(bitPattern: code?.image.codeBytes ?? 0)
            }
            if let code, code.image.catches {
                let landing = code.image.sites.landing(
                    ofCallReturningTo: UInt32(truncatingIfNeeded: counter &- base)
                ) { handler in
                    guard let index = handler.tag else { return true }
                    let place = code.module.layout.tag(Int(index))
                    return Self.word(at: Self.context(of: frame), place)
                        == UInt(bitPattern: unsafe tag.address)
                }
                if let landing { return (base &+ UInt(landing), frame) }
            }
            let outer = Self.word(at: frame, FrameLayout.callerFrame)
            counter = Self.word(at: frame, FrameLayout.returnAddress)
            // Anything else than ascending frames is damage.
            if outer <= frame { break }
            frame = outer
        }
        return (0, 0)
    }

    private static func context(of frame: UInt) -> UInt {
        word(at: frame, FrameLayout.context)
    }

    private static func word(at address: UInt, _ offset: Int32) -> UInt {
        let place = address &+ UInt(bitPattern: Int(offset))
        return unsafe UnsafePointer<UInt>(bitPattern: place)?.pointee ?? 0
    }
}

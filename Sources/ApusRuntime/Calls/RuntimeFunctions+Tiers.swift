internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

extension RuntimeFunctions {
    /// (address behind the call in a function's stub) → its code
    static let functionCompile: Entry = { context, stub, _, _, _, _ in
        // SAFETY: the context is one that runs: compiled code passes its own, and the address of
        // its stub, which `code(ofStubAt:)` looks for.
        unsafe withInstance(context) { instance in
            let made = orFail(instance) {
                let module = instance.module
                while unsafe mayGoOn(context) {
                    if let code = try module.code(ofStubAt: UInt(stub)) { return UInt64(code) }
                }
                return nil
            }
            return made ?? 0
        }
    }

    /// (function, loops, frame pointer) → code that goes on, or 0
    static let heat: Entry = { context, function, loops, frame, _, _ in
        // SAFETY: the context is one that runs: compiled code passes its own; the frame is the
        // caller's, which waits.
        unsafe withInstance(context) { instance in
            let module = instance.module
            let loop = Int(UInt32(truncatingIfNeeded: loops))
            let outermost = Int(loops >> 32)
            guard
                let entry = module.functionCompiler?.isHot(
                    Int(truncatingIfNeeded: function), at: loop == 0 ? nil : loop,
                    in: outermost == 0 ? nil : outermost, of: module)
            else { return 0 }
            instance.store.takeImage(ofFrame: UInt(frame), for: entry)
            return UInt64(entry.image.base)
        }
    }
}

extension LoadedModule {
    /// The code of the function whose stub was called before it had any, made now if nobody has
    /// made it meanwhile. Nil if the guest has been told to stop before it was there.
    fileprivate func code(ofStubAt address: UInt) throws -> UInt? {
        guard let table = code.space?.table, let functionCompiler,
            let position = table.position(ofStubAt: address)
        else { throw ResourceError(.code, requested: 0) }
        let unmade = table.stub(position) &+ UInt(TrampolineKind.compileEntry)
        if table[position] == unmade {
            try functionCompiler.compile(module.importedFunctionCount + position, of: self)
        }
        let made = table[position]
        return made == unmade ? nil : made
    }
}

extension RuntimeStore {
    // SAFETY: the frame is that of the compiled code that has called, as large as `entry` says; the
    // image lives as long as the store, and is read before the store's guests go on.
    /// Copies what a frame has, so that other code can go on with it when the frame is gone, and
    /// tells compiled code where the image is.
    fileprivate func takeImage(ofFrame frame: UInt, for entry: LoopEntry) {
        let bytes = entry.imageBytes
        let image = unsafe frameImage.room(bytes)
        let low = frame &- UInt(entry.frameBytes)
        unsafe image.copyMemory(
            from: UnsafeRawPointer(bitPattern: low).unsafelyUnwrapped, byteCount: bytes)
        unsafe context.pointee.frame = UInt(bitPattern: image) &+ UInt(entry.frameBytes)
    }
}

/// Memory for the image of one frame.
@safe
struct FrameImage {
    // SAFETY: `start` is an allocation of `capacity` bytes, which goes with `free`.
    private var start: UnsafeMutableRawPointer?
    private var capacity = 0

    /// Room for `bytes`; what was there before goes.
    mutating func room(_ bytes: Int) -> UnsafeMutableRawPointer {
        // SAFETY: a new allocation of `capacity` bytes takes the place of the old one, which `free`
        // has given back.
        let isMissing = unsafe start == nil
        if isMissing || bytes > capacity {
            free()
            capacity = max(bytes, 4096)
            unsafe start = .allocate(byteCount: capacity, alignment: 16)
        }
        return unsafe start.unsafelyUnwrapped
    }

    mutating func free() {
        // SAFETY: the allocation is this value's alone, or null; who was given its address has read
        // it by now.
        unsafe start?.deallocate()
        unsafe start = nil
        capacity = 0
    }
}

internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

/// A function of a guest that has not returned, while its thread is somewhere else: in a host
/// function, or stopped for a debugger. Of use only until the guest goes on.
@safe
public struct GuestFrame {
    // SAFETY: `frame` is the frame pointer of code that waits further up the stack. What lies where
    // a compiler's map says in it may be read and written until the guest goes on.
    public let module: LoadedModule
    /// In the module's function index space.
    public let functionIndex: Int
    /// Of the instruction, in the module's bytes.
    public let offset: Int
    /// Whose function it is; nil if its code is not made for debuggers, or has not got so far as to
    /// say.
    public let instance: InstanceState?
    private let frame: UInt

    fileprivate init(
        _ module: LoadedModule, _ place: CodePlace, _ instance: InstanceState?, _ frame: UInt
    ) {
        self.module = module
        functionIndex = Int(place.functionIndex)
        let body = module.module.bodies[functionIndex - module.module.importedFunctionCount]
        offset = Int(body.start) + Int(place.bodyOffset)
        self.instance = instance
        self.frame = frame
    }

    /// Tells frames of one stack apart: callers have higher ones.
    public var identity: UInt { frame }

    /// The 8 bytes at `displacement` from the frame pointer, where a slot of its code begins, and
    /// the 8 behind them, if that is one of 16.
    public func read(_ displacement: Int32, isVector: Bool) -> (low: UInt64, high: UInt64) {
        // SAFETY: the slot is one that the compiler's map names, in a frame that waits.
        let slot = unsafe slot(displacement)
        return unsafe (slot[0], isVector ? slot[1] : 0)
    }

    /// Writes what `read` reads.
    public func write(
        _ bits: (low: UInt64, high: UInt64), _ displacement: Int32, isVector: Bool
    ) {
        // SAFETY: the slot is one that the compiler's map names, in a frame that waits.
        let slot = unsafe slot(displacement)
        unsafe slot[0] = bits.low
        if isVector { unsafe slot[1] = bits.high }
    }

    private func slot(_ displacement: Int32) -> UnsafeMutablePointer<UInt64> {
        let address = frame &+ UInt(bitPattern: Int(displacement))
        // SAFETY: a frame pointer is not near address 0.
        return unsafe UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
    }
}

extension RuntimeStore {
    /// The functions of the store's guests that have not returned, innermost first, `limit` of them
    /// at most. The store must be in a call, at a stop, in a trap or in a function of the host.
    public func guestFrames(limit: Int) -> [GuestFrame] {
        var frames: [GuestFrame] = []
        forEachOuterActivation { counter, frame, end, _ in
            var walk = FrameWalk(counter: counter, frame: frame, end: end)
            while !walk.isAtEnd, frames.count < limit {
                // SAFETY: the context is the store's own allocation, which lives as long as the
                // store.
                let wasSignal = unsafe context.pointee.trap_signal != 0
                let isFault = frames.isEmpty && wasSignal
                if let found = guestFrame(walk, isFault: isFault) { frames.append(found) }
                walk.leaveFrame()
            }
            return frames.count < limit
        }
        return frames
    }

    private func guestFrame(_ walk: FrameWalk, isFault: Bool) -> GuestFrame? {
        guard let code = CodeRegistry.shared.code(at: walk.counter),
            let place = code.image.place(at: walk.counter, isReturnAddress: !isFault)
        else { return nil }
        let isComplete = code.module.layout.stops != nil && place.trap != .stackExhausted
        return GuestFrame(code.module, place, isComplete ? instance(of: walk) : nil, walk.frame)
    }

    // SAFETY: code with stop points keeps its context in its frames from their beginning on, but
    // for the test whether there is stack left. Contexts belong to instances of the store, or of
    // one that is in a call around it.
    private func instance(of walk: FrameWalk) -> InstanceState? {
        guard let context = unsafe UnsafePointer<apus_context>(bitPattern: walk.context),
            let owner = unsafe context.pointee.owner
        else { return nil }
        return unsafe Unmanaged<InstanceState>.fromOpaque(owner).takeUnretainedValue()
    }
}

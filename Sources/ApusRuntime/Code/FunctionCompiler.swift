public import ApusABI
internal import ApusCollections
public import ApusFormat

/// Who makes code of a module's functions while it runs: the runtime runs code and makes none.
public protocol FunctionCompiler: Sendable {
    /// How much a function with this body may run before it counts as hot (`docs/abi.md`, “Tiers”).
    func heat(ofBody body: FunctionBody) -> Int32

    /// Has function `index` of `module`, which is being called for the first time, begin in code
    /// of its own (`LoadedModule.install`). Several threads may ask at once. Nothing need come of
    /// it if the guest of this thread is to stop (`RuntimeStore.isThreadInterrupted`).
    func compile(_ index: Int, of module: LoadedModule) throws

    /// Function `index` of `module` is hot. If it is at the header of a loop, `loop` by the offset
    /// of its first instruction in the body, other code can take over: the frame's contents are to
    /// be as it says, and it begins at the address that it gives. If that is ready for the header
    /// of `outermost` only, the outermost loop around, the function can be had to ask again when it
    /// gets there (`LoadedModule.setTakeover`).
    func isHot(
        _ index: Int, at loop: Int?, in outermost: Int?, of module: LoadedModule
    ) -> LoopEntry?
}

/// Code that goes on at the header of a loop, with what a frame of the baseline compiler has.
public final class LoopEntry: @unchecked Sendable {
    // SAFETY: nothing of it is ever changed.
    /// The code, whose first function takes the address of the frame's image.
    public let image: CodeImage
    /// Bytes of the frame below the frame pointer, and of its image. Where what is in it is said by
    /// the code alone: a map has a place for each local that a function declares.
    let frameBytes: Int
    let imageBytes: Int

    public init(_ image: CodeImage, _ frame: borrowing FrameMap) {
        self.image = image
        frameBytes = Int(frame.frameBytes)
        imageBytes = frame.imageBytes
    }
}

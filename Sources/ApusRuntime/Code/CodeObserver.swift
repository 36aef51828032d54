/// Who is told of all code that can run, before it runs.
public protocol CodeObserver: AnyObject, Sendable {
    /// `image`, of functions of `module`, is there. What is returned is kept as long as that.
    func codeAppeared(
        _ image: CodeImage, of module: LoadedModule
    ) -> (any CodeAnnouncement)?

    /// Trampolines are there. What is returned is kept as long as these.
    func trampolinesAppeared(_ trampolines: [TrampolineCode]) -> (any CodeAnnouncement)?
}

/// What an observer has made of code: it goes when the code does.
public protocol CodeAnnouncement: AnyObject, Sendable {}

/// A trampoline in executable memory.
public struct TrampolineCode: Sendable {
    public let kind: TrampolineKind
    /// Address of the first byte.
    public let start: UInt
    public let byteCount: Int
    /// Of one to a function of the host, how much it takes from the stack pointer with its first
    /// instruction.
    public let hostFrameBytes: Int32
}

/// Which instruction of a function's body the code from an offset on is. Written for debuggers, and
/// to show code, only (`ModuleEnvironment.isDebuggable`, `notesInstructions`).
public struct InstructionSite: BitwiseCopyable, Sendable {
    /// From the batch's start (the image's, once linked).
    public var codeOffset: UInt32
    /// From the body's start.
    public var bodyOffset: UInt32

    public init(codeOffset: UInt32, bodyOffset: UInt32) {
        self.codeOffset = codeOffset
        self.bodyOffset = bodyOffset
    }
}

public import ApusCollections

/// Where a function of the baseline compiler keeps what it works on at the header of a loop: how
/// code that goes on there finds it (`docs/abi.md`, “Tiers”). Places are offsets from the frame
/// pointer.
public struct FrameMap: ~Copyable {
    /// Of each local that the function uses.
    public let locals: Arena<Int32>
    /// Of the operand at the bottom of the stack.
    public let operands: Int32
    /// From one operand to the one above it.
    public let operandStride: Int32
    /// Bytes below the frame pointer.
    public let frameBytes: Int32
    /// Bytes of stack arguments, above the frame pointer.
    public let argumentBytes: Int32

    public init(
        locals: consuming Arena<Int32>, operands: Int32, operandStride: Int32, frameBytes: Int32,
        argumentBytes: Int32
    ) {
        self.locals = locals
        self.operands = operands
        self.operandStride = operandStride
        self.frameBytes = frameBytes
        self.argumentBytes = argumentBytes
    }

    /// Bytes of an image of the frame, from its lowest place to the last stack argument.
    public var imageBytes: Int {
        Int(frameBytes) + Int(FrameLayout.stackArguments) + Int(argumentBytes)
    }
}

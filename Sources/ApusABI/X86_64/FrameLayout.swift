public import ApusAssembler

/// The frame of a compiled function, as far as others than the one who lays it out read it.
///
/// From rbp up: the caller's rbp, the return address, the stack arguments. From rbp down: the
/// context of a function that keeps it, then whatever its compiler has put there.
public enum FrameLayout {
    /// From rbp, the caller's.
    public static var callerFrame: Int32 { 0 }
    public static var returnAddress: Int32 { 8 }
    /// The first of the stack arguments.
    public static var stackArguments: Int32 { 16 }
    /// The context of a function that can leave its instance, or that catches exceptions.
    public static var context: Int32 { -8 }
    public static var contextSlot: Address { Address(.rbp, context) }

    /// A leaf with a frame no larger than this lives in the head-room below the stack limit.
    public static var uncheckedBytes: Int32 { 1024 }
    /// Larger frames compare the stack pointer they will have with the limit.
    public static var headRoomBytes: Int32 { 8192 }
    /// No frame is as large as that.
    public static var bytesLimit: Int { 1 << 30 }

    /// Whether the prologue compares the stack pointer with the limit.
    public static func needsStackCheck(isLeaf: Bool, frameBytes: Int32) -> Bool {
        !isLeaf || frameBytes > uncheckedBytes
    }
}

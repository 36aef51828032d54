/// The frame that a tail call into another instance leaves behind: the caller expects its own
/// context back, and the one it calls may ask who called. A chain of such calls leaves one frame.
///
/// From its rbp: return address and rbp of the caller above, below the contexts.
public enum TailFrame {
    /// The context of the function that made the last tail call, where every frame has one.
    public static var caller: Int32 { FrameLayout.context }
    /// The context that the first caller expects in r15.
    public static var restored: Int32 { -16 }
    /// Bytes from the return address down to the last context.
    public static var bytes: Int32 { 32 }
}

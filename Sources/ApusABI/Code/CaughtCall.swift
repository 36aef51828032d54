/// A call that has handlers, as whoever throws finds it: most calls have none, and most functions no
/// such calls.
public struct CaughtCall: BitwiseCopyable, Sendable {
    /// Offset of the return address from the image's start.
    public let codeOffset: UInt32
    /// Of the function, from which landings are counted.
    let codeStart: UInt32
    /// The first of the function's lists, and the number of the call's among them.
    let firstList: UInt32
    let list: UInt32
}

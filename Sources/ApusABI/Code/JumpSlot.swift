/// An aligned 8-byte jump to a function, through which calls of it may go, so that one store
/// redirects them all.
public enum JumpSlot {
    /// Bytes of a slot.
    public static var bytes: Int { 8 }

    /// The slot that jumps `distance` bytes from its start, as a little-endian word: a jump of 5
    /// bytes, then breakpoints.
    public static func word(distance: Int32) -> UInt64 {
        let jumpBytes: Int32 = 5
        let displacement = UInt64(UInt32(bitPattern: distance &- jumpBytes))
        return 0xCCCC_CC00_0000_00E9 | displacement << 8
    }
}

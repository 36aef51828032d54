/// Long work that is done in pieces, so that a guest that asked for it can be stopped.
enum Pieces {
    /// Bytes that are touched at once: with fresh pages this takes well below a millisecond.
    static var bytes: Int { 1 << 20 }
    /// Table elements that are touched at once: as many bytes.
    static var elements: Int { 1 << 17 }

    /// Calls `body` with the offset and length of one piece of `count` things after the other,
    /// from the end if `backward`. `mayGoOn` is asked between them; returns whether all was done.
    @inline(__always) @discardableResult
    static func forEach(
        in count: Int, of piece: Int, backward: Bool = false, mayGoOn: () -> Bool,
        _ body: (_ offset: Int, _ length: Int) throws -> Void
    ) rethrows -> Bool {
        var done = 0
        while count - done > piece {
            try body(backward ? count - done - piece : done, piece)
            done += piece
            if !mayGoOn() { return false }
        }
        try body(backward ? 0 : done, count - done)
        return true
    }
}

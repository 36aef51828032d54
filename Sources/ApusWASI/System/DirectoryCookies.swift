/// What guests are given to go on reading a directory of the host's.
///
/// The host's own positions take up to 63 bits on some file systems, and the C library of most
/// guests keeps 32. So a guest gets small numbers, in the order in which it came by the entries;
/// each stands for one position of the host's for as long as the directory is open, whatever
/// becomes of other entries meanwhile.
final class DirectoryCookies {
    /// Where the host goes on after the entry whose cookie is the index + 1.
    private var positions: [Int64] = []
    private let budget: CookieBudget

    init(_ budget: CookieBudget) { self.budget = budget }

    deinit { budget.left += positions.count }

    /// Set in a cookie that is the host's position itself, for want of room.
    private static let rawBit: UInt64 = 1 << 63
    /// Positions that are looked at for one that should be next: entries may have gone meanwhile.
    private static let searchLimit = 64

    /// The last cookie that is known.
    var last: UInt64 { UInt64(positions.count) }

    /// The host's position for `cookie`; nil if it is not known yet.
    func position(_ cookie: UInt64) -> Int64? {
        if cookie == 0 { return 0 }
        if cookie & Self.rawBit != 0 { return Int64(bitPattern: cookie & ~Self.rawBit) }
        guard cookie <= last else { return nil }
        return positions[Int(cookie) - 1]
    }

    /// The cookie for the host's `position`, which is probably the one after `expected`. That moves
    /// on if it is.
    func cookie(for position: Int64, after expected: inout UInt64) -> UInt64 {
        let start = Int(min(expected, last))
        for index in start..<min(start + Self.searchLimit, positions.count)
        where positions[index] == position {
            expected = UInt64(index) + 1
            return expected
        }
        guard budget.left > 0 else { return UInt64(bitPattern: position) | Self.rawBit }
        budget.left -= 1
        positions.append(position)
        if expected == last - 1 { expected = last }
        return last
    }
}

/// How many positions all open directories of a guest may keep together. Used by one thread at a
/// time, as the guest's descriptors are.
final class CookieBudget {
    var left: Int

    /// 8 MiB of them, if nothing else is said.
    init(_ count: Int = 1 << 20) { left = count }
}

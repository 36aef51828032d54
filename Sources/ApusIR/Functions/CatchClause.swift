/// Which exceptions a handler of a call is for.
public struct CatchClause: Hashable, BitwiseCopyable, Sendable {
    /// The tag and, in the lowest bit, whether the reference is wanted: as the pool has it.
    public let bits: UInt32

    private static var everyTag: UInt32 { 0x7FFF_FFFF }

    @inline(__always)
    public init(bits: UInt32) { self.bits = bits }

    /// Exceptions with `tag`, or all.
    public init(tag: UInt32?, wantsReference: Bool) {
        bits = (tag ?? Self.everyTag) << 1 | (wantsReference ? 1 : 0)
    }

    /// The tag that is caught; nil: every one.
    public var tag: UInt32? {
        let tag = bits >> 1
        return tag == Self.everyTag ? nil : tag
    }

    /// Whether the handler may keep the exception, not only what it carries.
    public var wantsReference: Bool { bits & 1 != 0 }
}

extension CatchClause: CustomStringConvertible {
    /// “catch 3”, or “catchAll”, and `Reference` behind the word if that is wanted.
    public var description: String {
        let suffix = wantsReference ? "Reference" : ""
        return tag.map { "catch\(suffix) \($0)" } ?? "catchAll\(suffix)"
    }
}

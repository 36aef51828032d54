extension RawRepresentable where RawValue: FixedWidthInteger {
    /// What `rawValue` was stored for. Records keep cases of enumerations as plain numbers, which
    /// only we write: one that is no case is a fault of ours, which builds for debugging stop at.
    /// Others go on with `other`.
    @inlinable @inline(__always)
    public init(stored rawValue: RawValue, or other: Self) {
        let found = Self(rawValue: rawValue)
        assert(found != nil, "\(rawValue) is no \(Self.self)")
        self = found ?? other
    }
}

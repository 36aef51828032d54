// The conversions of integers that are frequent here, each as an initializer of its own.
//
// The standard library has one generic initializer for all of them. Where code is not optimized,
// the compiler inlines that with everything it could have to check, and then looks for redundant
// loads in it: three to seven milliseconds for each use, a sixth of the time that a debug build of
// these modules takes. Overload resolution prefers what is not generic, so importing this module
// is all that a file has to do. What is computed is the same, and so is optimized code.

extension Int {
    @usableFromInline @_transparent
    package init(_ value: UInt8) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: UInt32) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: Int32) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: UInt64) {
        precondition(value <= 0x7FFF_FFFF_FFFF_FFFF)
        self.init(truncatingIfNeeded: value)
    }
}

extension UInt {
    @usableFromInline @_transparent
    package init(_ value: UInt32) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: UInt64) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: Int) {
        precondition(value >= 0)
        self.init(bitPattern: value)
    }
}

extension UInt64 {
    @usableFromInline @_transparent
    package init(_ value: UInt8) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: UInt16) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: UInt32) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: UInt) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: Int) {
        precondition(value >= 0)
        self.init(truncatingIfNeeded: value)
    }

    @usableFromInline @_transparent
    package init(_ value: Int32) {
        precondition(value >= 0)
        self.init(truncatingIfNeeded: value)
    }

    @usableFromInline @_transparent
    package init(_ value: Int64) {
        precondition(value >= 0)
        self.init(bitPattern: value)
    }
}

extension Int64 {
    @usableFromInline @_transparent
    package init(_ value: Int) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: Int32) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: UInt32) { self.init(truncatingIfNeeded: value) }
}

extension UInt32 {
    @usableFromInline @_transparent
    package init(_ value: UInt8) { self.init(truncatingIfNeeded: value) }

    @usableFromInline @_transparent
    package init(_ value: Int) {
        precondition(UInt(bitPattern: value) <= 0xFFFF_FFFF)
        self.init(truncatingIfNeeded: value)
    }

    @usableFromInline @_transparent
    package init(_ value: UInt64) {
        precondition(value <= 0xFFFF_FFFF)
        self.init(truncatingIfNeeded: value)
    }
}

extension Int32 {
    @usableFromInline @_transparent
    package init(_ value: Int) {
        precondition(value >= -0x8000_0000 && value <= 0x7FFF_FFFF)
        self.init(truncatingIfNeeded: value)
    }
}

extension UInt16 {
    @usableFromInline @_transparent
    package init(_ value: UInt8) { self.init(truncatingIfNeeded: value) }
}

extension UInt8 {
    @usableFromInline @_transparent
    package init(_ value: Int) {
        precondition(UInt(bitPattern: value) <= 0xFF)
        self.init(truncatingIfNeeded: value)
    }
}

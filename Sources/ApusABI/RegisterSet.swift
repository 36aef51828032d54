internal import ApusCollections

/// A set of registers, one bit each.
///
/// There are more bits than registers: those of numbers that are no register's, such as
/// `PhysicalRegister.none`, are none of theirs.
public struct RegisterSet: OptionSet, Hashable, BitwiseCopyable, Sendable {
    /// The bit of each register's number.
    public let rawValue: UInt64

    /// How many numbers there are: what is kept for each register has as many places.
    @inline(__always) public static var numberCount: Int { 32 }

    /// The set of the registers whose numbers' bits are set.
    @inline(__always) public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The set of one register.
    @inline(__always) public init(_ register: PhysicalRegister) {
        rawValue = 1 &<< UInt64(register.number)
    }

    /// Whether `register` is in it.
    @inline(__always) public func has(_ register: PhysicalRegister) -> Bool {
        rawValue & (1 &<< UInt64(register.number)) != 0
    }

    /// The register with the lowest number. The set must not be empty.
    public var first: PhysicalRegister {
        @inline(__always) get {
            PhysicalRegister(UInt8(truncatingIfNeeded: rawValue.trailingZeroBitCount))
        }
    }

    /// The register with the highest number. The set must not be empty.
    public var last: PhysicalRegister {
        @inline(__always) get {
            PhysicalRegister(UInt8(truncatingIfNeeded: 63 &- rawValue.leadingZeroBitCount))
        }
    }

    /// The set without its first register.
    public var rest: RegisterSet {
        @inline(__always) get { RegisterSet(rawValue: rawValue & (rawValue &- 1)) }
    }

    /// How many registers are in it.
    public var count: Int { @inline(__always) get { rawValue.nonzeroBitCount } }
}

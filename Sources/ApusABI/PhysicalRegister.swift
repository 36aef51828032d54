internal import ApusCollections

/// A register of the machine, by numbers that each processor's folder gives to its own: below 32,
/// those of all classes together.
public struct PhysicalRegister: Hashable, BitwiseCopyable, Sendable {
    /// Which register it is.
    public var number: UInt8

    /// The register of this number.
    @inline(__always) public init(_ number: UInt8) { self.number = number }

    /// No register.
    public static var none: PhysicalRegister {
        @inline(__always) get { PhysicalRegister(0xFF) }
    }

    /// Whether there is none.
    public var isNone: Bool { @inline(__always) get { number == 0xFF } }

    /// The number as a place in what is kept for each register.
    public var index: Int { @inline(__always) get { Int(number) } }

    /// Whether both are the same register, or none.
    @inline(__always)
    public static func == (left: PhysicalRegister, right: PhysicalRegister) -> Bool {
        left.number == right.number
    }
}

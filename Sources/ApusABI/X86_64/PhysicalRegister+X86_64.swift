public import ApusAssembler

/// The registers of x86-64: general ones have the numbers 0 to 15, vector ones 16 to 31.
extension PhysicalRegister {
    /// A general register.
    @inline(__always) public init(_ register: GPR) { self.init(register.rawValue) }

    /// A vector register.
    @inline(__always) public init(_ register: XMM) { self.init(register.rawValue | 16) }

    /// The general register that it is.
    public var general: GPR { @inline(__always) get { GPR(lowBits: number) } }

    /// The vector register that it is.
    public var vector: XMM { @inline(__always) get { XMM(lowBits: number) } }

    /// Whether it is a vector register.
    public var isVector: Bool { @inline(__always) get { number & 16 != 0 } }
}

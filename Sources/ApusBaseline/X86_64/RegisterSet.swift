internal import ApusAssembler

/// A set of general registers.
struct GeneralSet: OptionSet, BitwiseCopyable {
    let rawValue: UInt16

    @inline(__always) init(rawValue: UInt16) { self.rawValue = rawValue }
    @inline(__always) init(_ register: GPR) { rawValue = 1 << UInt16(register.rawValue) }

    /// Values that no local lives in: results of operations pass through these first.
    static var temporaries: GeneralSet { [.init(.rax), .init(.rcx), .init(.rdx), .init(.rsi)] }
    /// Where locals may live that calls destroy; temporaries while no local lives there.
    static var volatileHomes: GeneralSet {
        [.init(.rdi), .init(.r8), .init(.r9), .init(.r10)]
    }
    /// Where locals may live that survive calls. Never temporaries, since using one costs a save.
    static var savedHomes: GeneralSet { [.init(.rbx), .init(.r12), .init(.r13), .init(.r14)] }

    @inline(__always) func has(_ register: GPR) -> Bool {
        rawValue & (1 << UInt16(register.rawValue)) != 0
    }

    @inline(__always) var first: GPR {
        GPR(lowBits: UInt8(truncatingIfNeeded: rawValue.trailingZeroBitCount))
    }
}

/// A set of vector registers.
struct FloatSet: OptionSet, BitwiseCopyable {
    let rawValue: UInt16

    @inline(__always) init(rawValue: UInt16) { self.rawValue = rawValue }
    @inline(__always) init(_ register: XMM) { rawValue = 1 << UInt16(register.rawValue) }

    static var temporaries: FloatSet { FloatSet(rawValue: 0x003F) }
    /// xmm6 to xmm14; calls destroy them all.
    static var homes: FloatSet { FloatSet(rawValue: 0x7FC0) }

    @inline(__always) func has(_ register: XMM) -> Bool {
        rawValue & (1 << UInt16(register.rawValue)) != 0
    }

    @inline(__always) var first: XMM {
        XMM(lowBits: UInt8(truncatingIfNeeded: rawValue.trailingZeroBitCount))
    }
}

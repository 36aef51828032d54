internal import ApusCollections

/// A general-purpose register of x86-64, by its number in encodings.
public struct GPR: Hashable, BitwiseCopyable, Sendable, CaseIterable {
    /// The number, 0 to 15.
    public let rawValue: UInt8

    /// Register `rawValue`, if there is one: 0 to 15.
    @inline(__always)
    public init?(rawValue: UInt8) {
        guard rawValue < 16 else { return nil }
        self.rawValue = rawValue
    }

    /// The register that the low four bits of `number` are the number of.
    @inline(__always)
    public init(lowBits number: UInt8) { rawValue = number & 15 }

    @inline(__always)
    private init(_ number: UInt8) { rawValue = number }

    /// All sixteen, in the order of their numbers.
    public static var allCases: [GPR] { (0..<16).map { GPR($0) } }

    /// The number as the encoder computes with it.
    @inline(__always) var code: UInt64 { UInt64(rawValue) }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension GPR {
    public static var rax: GPR { GPR(0) }
    public static var rcx: GPR { GPR(1) }
    public static var rdx: GPR { GPR(2) }
    public static var rbx: GPR { GPR(3) }
    public static var rsp: GPR { GPR(4) }
    public static var rbp: GPR { GPR(5) }
    public static var rsi: GPR { GPR(6) }
    public static var rdi: GPR { GPR(7) }
    public static var r8: GPR { GPR(8) }
    public static var r9: GPR { GPR(9) }
    public static var r10: GPR { GPR(10) }
    public static var r11: GPR { GPR(11) }
    public static var r12: GPR { GPR(12) }
    public static var r13: GPR { GPR(13) }
    public static var r14: GPR { GPR(14) }
    public static var r15: GPR { GPR(15) }
}

/// A vector register, by its number in encodings.
public struct XMM: Hashable, BitwiseCopyable, Sendable, CaseIterable {
    /// The number, 0 to 15.
    public let rawValue: UInt8

    /// Register `rawValue`, if there is one: 0 to 15.
    @inline(__always)
    public init?(rawValue: UInt8) {
        guard rawValue < 16 else { return nil }
        self.rawValue = rawValue
    }

    /// The register that the low four bits of `number` are the number of.
    @inline(__always)
    public init(lowBits number: UInt8) { rawValue = number & 15 }

    @inline(__always)
    private init(_ number: UInt8) { rawValue = number }

    /// All sixteen, in the order of their numbers.
    public static var allCases: [XMM] { (0..<16).map { XMM($0) } }

    /// The number as the encoder computes with it.
    @inline(__always) var code: UInt64 { UInt64(rawValue) }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension XMM {
    public static var xmm0: XMM { XMM(0) }
    public static var xmm1: XMM { XMM(1) }
    public static var xmm2: XMM { XMM(2) }
    public static var xmm3: XMM { XMM(3) }
    public static var xmm4: XMM { XMM(4) }
    public static var xmm5: XMM { XMM(5) }
    public static var xmm6: XMM { XMM(6) }
    public static var xmm7: XMM { XMM(7) }
    public static var xmm8: XMM { XMM(8) }
    public static var xmm9: XMM { XMM(9) }
    public static var xmm10: XMM { XMM(10) }
    public static var xmm11: XMM { XMM(11) }
    public static var xmm12: XMM { XMM(12) }
    public static var xmm13: XMM { XMM(13) }
    public static var xmm14: XMM { XMM(14) }
    public static var xmm15: XMM { XMM(15) }
}

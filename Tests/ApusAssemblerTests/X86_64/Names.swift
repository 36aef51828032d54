import ApusAssembler

extension GPR {
    func name(_ width: Width) -> String {
        let low = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"]
        let number = Int(rawValue)
        switch width {
        case .w8:
            if number >= 8 { return "r\(number)b" }
            return ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"][number]
        case .w16: return number >= 8 ? "r\(number)w" : low[number]
        case .w32: return number >= 8 ? "r\(number)d" : "e" + low[number]
        case .w64: return number >= 8 ? "r\(number)" : "r" + low[number]
        }
    }

    /// Those whose encodings differ in kind.
    static let samples: [GPR] = [.rax, .rdx, .rsp, .rbp, .rdi, .r8, .r12, .r13, .r15]
}

extension XMM {
    var name: String { "xmm\(rawValue)" }

    static let samples: [XMM] = [.xmm0, .xmm5, .xmm7, .xmm8, .xmm15]
}

extension Width {
    static let wide: [Width] = [.w32, .w64]

    var pointer: String {
        switch self {
        case .w8: "byte ptr "
        case .w16: "word ptr "
        case .w32: "dword ptr "
        case .w64: "qword ptr "
        }
    }
}

extension FloatWidth {
    var pointer: String { self == .f32 ? "dword ptr " : "qword ptr " }
    var suffix: String { self == .f32 ? "ss" : "sd" }
    var packedSuffix: String { self == .f32 ? "ps" : "pd" }
}

/// A memory operand and its text.
struct NamedAddress {
    var address: Address
    var text: String

    init(_ base: GPR, _ displacement: Int32 = 0) {
        address = Address(base, displacement)
        text = "[\(base.name(.w64))\(Self.suffix(displacement))]"
    }

    init(_ base: GPR, index: GPR, scale: Int, _ displacement: Int32 = 0) {
        address = Address(base, index: index, scale: scale, displacement)
        let index = index.name(.w64)
        text = "[\(base.name(.w64)) + \(scale)*\(index)\(Self.suffix(displacement))]"
    }

    private static func suffix(_ displacement: Int32) -> String {
        if displacement == 0 { return "" }
        return displacement < 0 ? " - \(displacement.magnitude)" : " + \(displacement)"
    }

    /// One of each kind, for instructions whose addresses are not the point.
    static let samples = [
        NamedAddress(.rax), NamedAddress(.rsp, 8), NamedAddress(.r13),
        NamedAddress(.rbp, -200), NamedAddress(.r12, index: .r9, scale: 8, 16),
        NamedAddress(.rdi, index: .rbp, scale: 1, 0x1234_5678),
    ]
}

internal import ApusCollections

/// Vector instructions that only AVX-512 has, one row each as in `VectorOp`: on registers of 128
/// bits, without masks. The numbers of registers end at 15, so nothing else of that encoding is
/// needed.
public enum EvexOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    // `destination = op source`
    case vpabsq = 0x80_66_38_1F
    case vpopcntb = 0x66_38_54
    case vcvtudq2ps = 0xF2_0F_7A
    /// `destination = a op b`: all lanes by the low 64 bits of `b`.
    case vpsraq = 0x80_66_0F_E2
    /// `destination = a op immediate`: the name of `vpsraq` with a constant count.
    case vpsraqImmediate = 0xC0_66_0F_72

    @inline(__always) var row: Row { Row(rawValue) }
}

extension CodeBuffer {
    /// `destination = op source`.
    public mutating func vector(_ op: EvexOp, _ destination: XMM, _ source: XMM) {
        put(evex(op.row, reg: destination.code, first: 0, rm: source.code))
    }

    /// `destination = a op b`.
    public mutating func vector(_ op: EvexOp, _ destination: XMM, _ a: XMM, _ b: XMM) {
        put(evex(op.row, reg: destination.code, first: a.code, rm: b.code))
    }

    /// `destination = a op immediate`.
    public mutating func vector(
        _ op: EvexOp, _ destination: XMM, _ a: XMM, immediate: UInt8
    ) {
        var bytes = evex(op.row, reg: op.row.digit, first: destination.code, rm: a.code)
        bytes.append(UInt64(immediate), count: 1)
        put(bytes)
    }

    /// Prefix, opcode and ModRM. Notes it if AVX-512 must not be used.
    private mutating func evex(_ row: Row, reg: UInt64, first: UInt64, rm: UInt64) -> Bytes {
        if !useAVX512 { hasFailed = true }
        let map: UInt64 = row.escape == 0x0F ? 1 : row.escape == 0x38 ? 2 : 3
        let prefix: UInt64 =
            row.prefix == 0 ? 0 : row.prefix == 0x66 ? 1 : 0xF5 &- row.prefix
        // R, X, B and the fifth bit of `reg` are inverted, as is `first` with its fifth bit.
        let rex = reg &>> 1 & 4 | rm &>> 3
        let second = (rex ^ 7) &<< 5 | 0x10 | map
        let third = row.rex &<< 4 | (first ^ 15) &<< 3 | 4 | prefix
        var bytes = Bytes(0x62 | second &<< 8 | third &<< 16 | 0x08 &<< 24, count: 4)
        bytes.append(row.opcode, count: 1)
        bytes.append(0xC0 | (reg & 7) &<< 3 | rm & 7, count: 1)
        return bytes
    }
}

internal import ApusCollections

/// How large values can be: what removes masks and proves that sums of addresses do not wrap.
extension Builder {
    /// How many low bits of `value` may not be 0.
    @inline(__always)
    func width(_ value: Value) -> Int { Int(widths[value.index]) }

    /// The largest number that `value` may be, taken as unsigned.
    mutating func largest(_ value: Value) -> UInt64 {
        if let bits = constant(value) { return bits }
        let width = width(value)
        return width >= 64 ? .max : 1 &<< UInt64(width) &- 1
    }

    mutating func computeWidth(_ instruction: Instruction) -> UInt8 {
        guard instruction.type.isGeneral else { return 64 }
        let full = instruction.type.bits
        let found: Int =
            switch instruction.operator {
            case .constant: 64 - instruction.bits.leadingZeroBitCount
            case .compare, .floatCompare: 1
            case .and: min(width(instruction.first), width(instruction.second))
            case .or, .xor: max(width(instruction.first), width(instruction.second))
            case .add: sum(instruction)
            case .shiftLeft: width(instruction.first) + count(instruction)
            case .shiftRightUnsigned: max(width(instruction.first) - count(instruction), 0)
            case .multiply: width(instruction.first) + width(instruction.second)
            case .divideUnsigned, .remainderUnsigned, .extendUnsigned: width(instruction.first)
            case .select: max(width(instruction.second), width(instruction.third))
            case .wrap: min(width(instruction.first), 32)
            case .countLeadingZeros, .countTrailingZeros, .populationCount: 7
            case .load, .atomicLoad, .atomicExchange, .atomicAdd, .atomicAnd, .atomicOr,
                .atomicXor, .atomicCompareExchange:
                loaded(instruction.access.width, full)
            default: full
            }
        return UInt8(truncatingIfNeeded: min(found, full))
    }

    private mutating func sum(_ instruction: Instruction) -> Int {
        let (sum, overflow) = largest(instruction.first)
            .addingReportingOverflow(largest(instruction.second))
        return overflow ? 64 : 64 - sum.leadingZeroBitCount
    }

    /// By how many bits a shift shifts: of one that is not known, what makes the width no smaller
    /// than it can be.
    private mutating func count(_ instruction: Instruction) -> Int {
        guard let bits = constant(instruction.second) else {
            return instruction.operator == .shiftLeft ? 64 : 0
        }
        return Int(truncatingIfNeeded: bits) & (instruction.type.bits - 1)
    }

    private func loaded(_ width: AccessWidth, _ full: Int) -> Int {
        switch width {
        case .unsigned8: 8
        case .unsigned16: 16
        case .unsigned32: 32
        default: full
        }
    }
}

internal import ApusCollections

/// An instruction: 16 bytes, whatever it is. Which fields are operands its operator says.
public struct Instruction: Hashable, BitwiseCopyable, Sendable {
    public var `operator`: Operator
    /// Of the result, `none` if there is none.
    public var type: IRType
    /// A condition, an access, flags or a number, by the operator's `ImmediateRule`.
    public var immediate: UInt16
    public var a: UInt32
    public var b: UInt32
    public var c: UInt32

    @inline(__always)
    public init(
        _ operator: Operator, _ type: IRType, immediate: UInt16 = 0, a: UInt32 = 0, b: UInt32 = 0,
        c: UInt32 = 0
    ) {
        self.operator = `operator`
        self.type = type
        self.immediate = immediate
        self.a = a
        self.b = b
        self.c = c
    }

    /// An instruction of up to three operands.
    @inline(__always)
    public init(
        _ operator: Operator, _ type: IRType, _ first: Value, _ second: Value = Value(0),
        _ third: Value = Value(0), immediate: UInt16 = 0
    ) {
        self.init(
            `operator`, type, immediate: immediate, a: first.number, b: second.number,
            c: third.number)
    }

    // MARK: Readings

    @inline(__always) public var first: Value { Value(a) }
    @inline(__always) public var second: Value { Value(b) }
    @inline(__always) public var third: Value { Value(c) }
    /// Of a `constant`: its bits, zero-extended.
    @inline(__always) public var bits: UInt64 { UInt64(a) | UInt64(b) &<< 32 }
    /// Of a load or store.
    @inline(__always) public var access: MemoryAccess { MemoryAccess(bits: immediate) }
    /// Of a `load` or `atomicLoad`: what is added to the address, in bytes.
    @inline(__always) public var displacement: Int32 { Int32(bitPattern: c) }
    /// Of a `compare`.
    @inline(__always) public var integerCondition: IntegerCondition {
        IntegerCondition(stored: immediate, or: .equal)
    }
    /// Of a `floatCompare`.
    @inline(__always) public var floatCondition: FloatCondition {
        FloatCondition(stored: immediate, or: .equal)
    }
    @inline(__always) public var wrapFlags: WrapFlags { WrapFlags(rawValue: immediate) }
    @inline(__always) public var divisionFlags: DivisionFlags { DivisionFlags(rawValue: immediate) }

    /// Whether it may stop the function where it stands.
    @inline(__always)
    public var canTrap: Bool {
        let row = `operator`.row
        if row.immediate == .access { return access.canTrap }
        if row.immediate == .division {
            if !divisionFlags.contains(.notZero) { return true }
            // The remainder by -1 is 0; the machine has to see to it that nothing faults.
            return `operator` == .divideSigned && !divisionFlags.contains(.noOverflow)
        }
        return !row.effects.isDisjoint(with: [.traps, .calls])
    }

    /// Whether it may be left out when nobody uses its result.
    @inline(__always)
    public var isRemovable: Bool {
        !canTrap && `operator`.row.effects.isDisjoint(with: [.writes, .calls, .ends, .stays])
    }

    /// Whether its result depends on nothing but its operands, and computing it shows nowhere.
    @inline(__always)
    public var isPure: Bool {
        if canTrap { return false }
        let effects = `operator`.row.effects
        if effects.contains(.reads) { return access.alias == .constant }
        return effects.isDisjoint(with: [.writes, .calls, .ends, .stays])
    }
}

internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// A condition that the flags hold. Floats need the parity flag beside another one.
enum FlagCondition: BitwiseCopyable {
    case flag(Condition)
    /// Equal and ordered.
    case floatEqual
    /// Not equal or unordered.
    case floatNotEqual

    var inverted: FlagCondition {
        switch self {
        case .flag(let condition): .flag(condition.inverted)
        case .floatEqual: .floatNotEqual
        case .floatNotEqual: .floatEqual
        }
    }
}

/// Conditions, and jumps that depend on them.
extension BaselineCompiler {
    /// Tests an i32 operand for being non-zero.
    mutating func testCondition(_ operand: Operand) -> BranchCondition {
        if operand.kind == .constant {
            return UInt32(truncatingIfNeeded: operand.bits) != 0 ? .always : .never
        }
        if let address = frameAddress(operand) {
            code.alu(.cmp, .w32, address, immediate: 0)
        } else {
            let value = take(operand)
            code.test(.w32, value.register, value.register)
            release(value)
        }
        return .flags(.flag(.ne))
    }

    /// Jumps if the flags fulfil `condition`.
    mutating func jump(_ condition: FlagCondition, _ label: Label) {
        switch condition {
        case .flag(let flag): code.jump(flag, label)
        case .floatEqual:
            let over = code.makeLabel()
            code.jump(.p, over, near: true)
            code.jump(.e, label)
            code.bind(over)
        case .floatNotEqual:
            code.jump(.ne, label)
            code.jump(.p, label)
        }
    }

    mutating func jump(_ label: Label) { code.jump(label) }

    /// Traps when the flags fulfil `condition`.
    mutating func trap(_ trap: TrapCode, if condition: Condition) {
        let label = code.makeLabel()
        code.jump(condition, label)
        coldTraps.append(ColdTrap(label: label, bodyOffset: bodyOffset, code: trap))
    }

    mutating func emitStop() { code.ud2() }
}

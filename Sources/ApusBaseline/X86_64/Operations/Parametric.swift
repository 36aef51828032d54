internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// `select` (4.6.1).
extension BaselineCompiler {
    mutating func translateSelectTyped() {
        for _ in 0..<reader.readIndex() { _ = reader.readValueType() }
        translateSelect()
    }

    mutating func translateSelect() {
        switch testCondition(pop()) {
        case .always: discard(pop())
        case .never:
            let second = pop()
            discard(pop())
            push(second)
        case .flags(let condition): emitSelect(condition)
        }
    }

    /// Leaves the first of the two top operands if the flags fulfil `condition`, else the second.
    mutating func emitSelect(_ condition: FlagCondition) {
        let second = pop()
        let first = pop()
        if first.type.isInVector {
            emitFloatSelect(condition, first, second)
        } else {
            emitGeneralSelect(condition, first, second)
        }
    }

    private mutating func emitGeneralSelect(
        _ condition: FlagCondition, _ first: Operand, _ second: Operand
    ) {
        let type = first.type
        let a = take(first)
        let b = take(second)
        let result = destination(reusing: b.isOwned ? b : a)
        let target = result.general
        if target == a.register {
            move(condition.inverted, type, target, b.register)
        } else {
            moveIfNeeded(type, target, b.register)
            move(condition, type, target, a.register)
        }
        finishPair(result, type, a, b)
    }

    private mutating func move(
        _ condition: FlagCondition, _ type: ValueClass, _ target: GPR, _ source: GPR
    ) {
        switch condition {
        case .flag(let flag): code.cmov(flag, type.width, target, source)
        case .floatNotEqual:
            code.cmov(.ne, type.width, target, source)
            code.cmov(.p, type.width, target, source)
        case .floatEqual:
            // Both parts must hold, and a move cannot be taken back: jump over it instead.
            let over = code.makeLabel()
            jump(.floatNotEqual, over)
            code.move(type.width, target, source)
            code.bind(over)
        }
    }

    private mutating func emitFloatSelect(
        _ condition: FlagCondition, _ first: Operand, _ second: Operand
    ) {
        let over = code.makeLabel()
        if second.kind == .register, first.kind != .register {
            jump(condition.inverted, over)
            load(first, into: second.float)
            code.bind(over)
            push(second)
            return
        }
        let target = takeOwnedFloat(first)
        jump(condition, over)
        load(second, into: target)
        code.bind(over)
        discard(second)
        push(first.type, target)
    }
}

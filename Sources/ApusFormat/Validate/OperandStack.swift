internal import ApusCollections

/// The stack of operand types (the algorithm's `push_val` and `pop_val`).
extension FunctionValidator {
    @inline(__always)
    mutating func push(_ type: ValueType) { operands.append(type) }

    /// Pops an operand that may stand for `expected`, or any in unreachable code.
    @inline(__always)
    mutating func pop(_ expected: ValueType) throws(ModuleError) {
        if operands.count > height, operands.last == expected {
            operands.removeLast()
        } else {
            try popSlowly(expected)
        }
    }

    @inline(never)
    private mutating func popSlowly(_ expected: ValueType) throws(ModuleError) {
        let actual = try popAny()
        if !matches(actual, expected), expected != .bottom { throw mismatch(expected, actual) }
    }

    /// Whether a value of type `given` may be where one of type `expected` is asked for.
    mutating func matches(_ given: ValueType, _ expected: ValueType) -> Bool {
        given.matches(expected, in: signatures)
    }

    /// Pops whatever is there: `bottom` in unreachable code with nothing on the stack.
    mutating func popAny() throws(ModuleError) -> ValueType {
        if operands.count > height { return operands.removeLast() }
        if isUnreachable { return .bottom }
        throw invalid("type mismatch: an operand is missing")
    }

    private mutating func mismatch(_ expected: ValueType, _ actual: ValueType) -> ModuleError {
        invalid(
            "type mismatch: expected \(module.describe(expected)), found \(module.describe(actual))"
        )
    }

    /// Pops operands of the types from `start` on in the signature table, last one first.
    @inline(__always)
    mutating func pop(_ count: Int32, from start: Int32) throws(ModuleError) {
        var place = count
        while place > 0, !popsAnything {
            place &-= 1
            try pop(signatures.types[Int(start &+ place)])
        }
    }

    /// Pops `count` operands of one type.
    mutating func pop(_ type: ValueType, times count: UInt32) throws(ModuleError) {
        var rest = count
        while rest > 0, !popsAnything {
            rest &-= 1
            try pop(type)
        }
    }

    /// Whether the stack has whatever is popped, so that nobody need look how much it is.
    private var popsAnything: Bool {
        @inline(__always) mutating get { isUnreachable && operands.count == height }
    }

    @inline(__always)
    mutating func push(_ count: Int32, from start: Int32) {
        var place: Int32 = 0
        while place < count {
            push(signatures.types[Int(start &+ place)])
            place &+= 1
        }
    }

    /// Checks operands against types as `pop` does, but leaves them. Returns whether they are of
    /// just these types.
    @discardableResult
    mutating func check(_ count: Int32, from start: Int32) throws(ModuleError) -> Bool {
        var place = count
        var top = operands.count
        var isExact = true
        while place > 0 {
            place &-= 1
            let expected = signatures.types[Int(start &+ place)]
            if top == height {
                if isUnreachable { return false }
                throw invalid("type mismatch: an operand is missing")
            }
            top &-= 1
            let actual = operands[top]
            if actual == expected { continue }
            isExact = false
            guard matches(actual, expected) else { throw mismatch(expected, actual) }
        }
        return isExact
    }

    /// Checks that operands go to a branch that may not be taken. They stay, and have the label's
    /// types from then on.
    mutating func checkBranch(_ count: Int32, from start: Int32) throws(ModuleError) {
        if try check(count, from: start) { return }
        try pop(count, from: start)
        push(count, from: start)
    }

    /// The rest of the innermost frame cannot be reached.
    mutating func setUnreachable() {
        operands.truncate(to: height)
        isUnreachable = true
        weight = 0
    }
}

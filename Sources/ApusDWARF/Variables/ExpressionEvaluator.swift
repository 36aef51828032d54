internal import ApusCollections

/// What an expression asks of the guest that is looked at.
public protocol SourceMachine {
    /// The bits of a local, a global, or an operand counted from the bottom of the stack.
    func local(_ index: Int) -> UInt64?
    func global(_ index: Int) -> UInt64?
    func operand(_ index: Int) -> UInt64?
    /// `count` bytes of memory 0, at most 8, as a little-endian number.
    func memory(at address: UInt64, count: Int) -> UInt64?
}

extension SourceExpression {
    /// Where the variable is, if `machine` has all that is needed to say so.
    public func place(in machine: some SourceMachine) -> VariablePlace? {
        if let constant { return .value(constant) }
        var evaluator = ExpressionEvaluator(self)
        do throws(MalformedDebugInformation) {
            return try evaluator.evaluate(range, machine)
        } catch {
            return nil
        }
    }
}

/// Runs the program that says where a variable is.
private struct ExpressionEvaluator {
    private let expression: SourceExpression
    private var stack: [UInt64] = []
    /// Loops are possible, and pointless.
    private var stepsLeft = 4096
    private var isInFrameBase = false

    private typealias Operation = ExpressionOperation

    init(_ expression: SourceExpression) { self.expression = expression }

    /// What the program at `range` comes to.
    mutating func evaluate(
        _ range: Range<Int>, _ machine: some SourceMachine, isFrameBase: Bool = false
    ) throws(MalformedDebugInformation) -> VariablePlace? {
        var reader = DebugReader(expression.bytes, range)
        let floor = stack.count
        var isValue = false
        while !reader.isAtEnd {
            stepsLeft -= 1
            guard stepsLeft > 0, stack.count < 256 else { throw reader.malformed() }
            let operation = try reader.byte()
            isValue = false
            if operation == Operation.value {
                isValue = true
            } else if operation == Operation.wasmLocation {
                guard let place = try Self.wasmLocation(&reader) else { return nil }
                // What is the value of a local or a global is in it. Otherwise that is the
                // variable's address.
                if reader.remaining == 1, stack.count == floor, !isFrameBase {
                    return try reader.byte() == Operation.value ? place : nil
                }
                guard let value = Self.value(of: place, machine) else { return nil }
                stack.append(value)
            } else if try !run(operation, &reader, machine) {
                return nil
            }
        }
        guard stack.count > floor, let result = stack.popLast() else { return nil }
        if isValue || isFrameBase { return .value(result) }
        return .memory(result & mask)
    }

    private var mask: UInt64 { expression.addressBytes == 4 ? 0xFFFF_FFFF : .max }

    private static func wasmLocation(
        _ reader: inout DebugReader
    ) throws(MalformedDebugInformation) -> VariablePlace? {
        switch try reader.byte() {
        case 0: .local(try reader.count())
        case 1: .global(try reader.count())
        case 2: .operand(try reader.count())
        case 3: .global(Int(try reader.word()))
        default: nil
        }
    }

    private static func value(of place: VariablePlace, _ machine: some SourceMachine) -> UInt64? {
        switch place {
        case .local(let index): machine.local(index)
        case .global(let index): machine.global(index)
        case .operand(let index): machine.operand(index)
        case .value(let value): value
        case .memory: nil
        }
    }

    /// Does one operation; false if it is none that is known, or the machine cannot.
    private mutating func run(
        _ code: UInt8, _ reader: inout DebugReader, _ machine: some SourceMachine
    ) throws(MalformedDebugInformation) -> Bool {
        switch code {
        case Operation.address: stack.append(try reader.unsigned(expression.addressBytes))
        case Operation.load:
            return load(expression.addressBytes, machine)
        case Operation.loadBytes:
            return load(Int(try reader.byte()), machine)
        case Operation.constants:
            let (bytes, isSigned) = Operation.constant(code)
            let value = try reader.unsigned(bytes)
            let shift = UInt64(64 - 8 * bytes)
            stack.append(
                isSigned ? UInt64(bitPattern: Int64(bitPattern: value << shift) >> shift) : value)
        case Operation.unsignedConstant: stack.append(try reader.leb())
        case Operation.signedConstant:
            stack.append(UInt64(bitPattern: try reader.signedLeb()))
        case Operation.plusConstant:
            let value = try reader.leb()
            guard let last = stack.popLast() else { return false }
            stack.append(last &+ value)
        case Operation.literals: stack.append(UInt64(code - Operation.literals.lowerBound))
        case Operation.frameBase:
            let offset = try reader.signedLeb()
            // A frame's place does not depend on itself.
            guard let frame = expression.frameBase, !isInFrameBase else { return false }
            isInFrameBase = true
            defer { isInFrameBase = false }
            guard case .value(let base)? = try evaluate(frame, machine, isFrameBase: true)
            else { return false }
            stack.append(base &+ UInt64(bitPattern: offset))
        case Operation.addressIndex, Operation.constantIndex:
            let index = try reader.count()
            guard let address = expression.address, address.index == index else { return false }
            stack.append(address.value)
        case Operation.nothing: break
        default: return calculate(code)
        }
        return true
    }

    private mutating func load(_ count: Int, _ machine: some SourceMachine) -> Bool {
        guard let address = stack.popLast(), count <= 8,
            let value = machine.memory(at: address & mask, count: count)
        else { return false }
        stack.append(value)
        return true
    }

    /// Operations on the stack alone.
    private mutating func calculate(_ code: UInt8) -> Bool {
        guard let right = stack.popLast() else { return false }
        let signed = Int64(bitPattern: right)
        switch code {
        case Operation.duplicate: stack += [right, right]
        case Operation.drop: break
        case Operation.absolute: stack.append(UInt64(signed.magnitude))
        case Operation.negate: stack.append(0 &- right)
        case Operation.not: stack.append(~right)
        default:
            guard let left = stack.popLast() else { return false }
            return calculate(code, left, right)
        }
        return true
    }

    private mutating func calculate(_ code: UInt8, _ left: UInt64, _ right: UInt64) -> Bool {
        switch code {
        case Operation.over: stack += [left, right, left]
        case Operation.swap: stack += [right, left]
        case Operation.rotate:
            guard let third = stack.popLast() else { return false }
            stack += [right, third, left]
        default:
            guard let result = Self.combine(code, left, right) else { return false }
            stack.append(result)
        }
        return true
    }

    private static func combine(_ code: UInt8, _ left: UInt64, _ right: UInt64) -> UInt64? {
        let (a, b) = (Int64(bitPattern: left), Int64(bitPattern: right))
        switch code {
        case Operation.and: return left & right
        case Operation.divide:
            return b == 0 ? nil : UInt64(bitPattern: a.dividedReportingOverflow(by: b).0)
        case Operation.minus: return left &- right
        case Operation.modulo: return right == 0 ? nil : left % right
        case Operation.multiply: return left &* right
        case Operation.or: return left | right
        case Operation.plus: return left &+ right
        case Operation.shiftLeft: return right < 64 ? left << right : 0
        case Operation.shiftRight: return right < 64 ? left >> right : 0
        case Operation.shiftRightArithmetic: return UInt64(bitPattern: a >> min(right, 63))
        case Operation.xor: return left ^ right
        case Operation.equal: return a == b ? 1 : 0
        case Operation.greaterOrEqual: return a >= b ? 1 : 0
        case Operation.greater: return a > b ? 1 : 0
        case Operation.lessOrEqual: return a <= b ? 1 : 0
        case Operation.less: return a < b ? 1 : 0
        case Operation.notEqual: return a != b ? 1 : 0
        default: return nil
        }
    }
}

internal import ApusCollections
internal import ApusDWARF

extension Debugger {
    /// What an expression, or a part of one, comes to.
    enum Operand {
        case variable(Variable)
        case integer(Int64)
        case float(Double)
    }

    /// What an expression comes to.
    public struct Evaluation {
        /// The value as text.
        public let text: String
        /// The name of its type; empty of a number that no variable has.
        public let typeName: String
        /// The variable that the expression names, if it names one.
        public let variable: Variable?
    }
}

extension Debugger.Frame {
    /// What `expression` comes to, with the variables that the source's function `sourceFrame` has
    /// at this place, and the names of locals and globals: names, members (`.`, `->`), elements
    /// (`[…]`), what pointers point to (`*`), addresses (`&`), numbers, and arithmetic with them as
    /// in C.
    ///
    /// - Throws: `Debugger.VariableError` if it cannot be understood.
    public func evaluate(
        _ expression: String, sourceFrame: Int = 0
    ) throws -> Debugger.Evaluation {
        switch try operand(expression, sourceFrame: sourceFrame) {
        case .variable(let variable):
            return Debugger.Evaluation(
                text: variable.text, typeName: variable.typeName, variable: variable)
        case .integer(let value):
            return Debugger.Evaluation(text: "\(value)", typeName: "", variable: nil)
        case .float(let value):
            return Debugger.Evaluation(text: "\(value)", typeName: "", variable: nil)
        }
    }

    /// Whether `condition` is anything but 0. Throws as `evaluate`.
    public func holds(_ condition: String, sourceFrame: Int = 0) throws -> Bool {
        guard let truth = try operand(condition, sourceFrame: sourceFrame).truth else {
            throw Debugger.VariableError.expression("\(condition) is no number")
        }
        return truth
    }

    func operand(_ text: String, sourceFrame: Int = 0) throws -> Debugger.Operand {
        var parser = ExpressionParser(text, self, sourceFrame)
        return try parser.parse()
    }

    /// What a name means.
    fileprivate func variable(named name: String, _ sourceFrame: Int) -> Debugger.Variable? {
        variables(ofSourceFrame: sourceFrame).last { $0.name == name }
            ?? globalVariable(named: name)
            ?? locals.first { $0.name == name } ?? globals.first { $0.name == name }
            ?? operands.first { $0.name == name }
    }
}

extension Debugger.Operand {
    /// The number that it is, if it is one.
    private var number: Debugger.Operand? {
        guard case .variable(let variable) = self else { return self }
        guard let type = variable.type, let bits = variable.number else { return nil }
        switch type.kind {
        case .float:
            return .float(
                type.byteCount == 4
                    ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
                    : Double(bitPattern: bits))
        case .signed, .character(isSigned: true):
            return variable.signedNumber.map { .integer($0) }
        default: return .integer(Int64(bitPattern: bits))
        }
    }

    var integer: Int64? { if case .integer(let value)? = number { value } else { nil } }

    private var double: Double? {
        switch number {
        case .integer(let value): Double(value)
        case .float(let value): value
        case .variable, nil: nil
        }
    }

    var truth: Bool? {
        switch number {
        case .integer(let value): value != 0
        case .float(let value): value != 0
        case .variable, nil: nil
        }
    }

    /// Its bits as a value of `type`; nil if it is none.
    func bits(of type: SourceType) -> UInt64? {
        if case .float = type.kind {
            guard let double else { return nil }
            return type.byteCount == 4 ? UInt64(Float(double).bitPattern) : double.bitPattern
        }
        return integer.map { UInt64(bitPattern: $0) }
    }

    /// `left operator right`, as in C; nil if they are no numbers for it.
    static func combine(
        _ left: Debugger.Operand, _ sign: String, _ right: Debugger.Operand
    ) -> Debugger.Operand? {
        if let a = left.integer, let b = right.integer { return combine(a, sign, b) }
        guard let a = left.double, let b = right.double else { return nil }
        switch sign {
        case "+": return .float(a + b)
        case "-": return .float(a - b)
        case "*": return .float(a * b)
        case "/": return .float(a / b)
        case "==": return .integer(a == b ? 1 : 0)
        case "!=": return .integer(a != b ? 1 : 0)
        case "<": return .integer(a < b ? 1 : 0)
        case "<=": return .integer(a <= b ? 1 : 0)
        case ">": return .integer(a > b ? 1 : 0)
        case ">=": return .integer(a >= b ? 1 : 0)
        default: return nil
        }
    }

    private static func combine(_ a: Int64, _ sign: String, _ b: Int64) -> Debugger.Operand? {
        switch sign {
        case "+": .integer(a &+ b)
        case "-": .integer(a &- b)
        case "*": .integer(a &* b)
        case "/": b == 0 ? nil : .integer(a.dividedReportingOverflow(by: b).partialValue)
        case "%": b == 0 ? nil : .integer(a.remainderReportingOverflow(dividingBy: b).partialValue)
        case "&": .integer(a & b)
        case "|": .integer(a | b)
        case "^": .integer(a ^ b)
        case "==": .integer(a == b ? 1 : 0)
        case "!=": .integer(a != b ? 1 : 0)
        case "<": .integer(a < b ? 1 : 0)
        case "<=": .integer(a <= b ? 1 : 0)
        case ">": .integer(a > b ? 1 : 0)
        case ">=": .integer(a >= b ? 1 : 0)
        default: nil
        }
    }
}

/// Reads an expression and works it out on the way.
private struct ExpressionParser {
    private let frame: Debugger.Frame
    private let sourceFrame: Int
    private var rest: Substring
    private var depth = 0

    /// Operators of two operands: those that bind the least first, longer signs before others.
    private static let levels: [[String]] = [
        ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<=", ">=", "<", ">"], ["+", "-"],
        ["*", "/", "%"],
    ]

    init(_ text: String, _ frame: Debugger.Frame, _ sourceFrame: Int) {
        rest = text.prefix(4096)
        self.frame = frame
        self.sourceFrame = sourceFrame
    }

    mutating func parse() throws -> Debugger.Operand {
        let value = try binary(0)
        skipSpace()
        guard rest.isEmpty else { throw fault("'\(rest)' is not understood") }
        return value
    }

    private func fault(_ reason: String) -> Debugger.VariableError { .expression(reason) }

    private mutating func skipSpace() { rest = rest.drop { $0.isWhitespace } }

    private mutating func take(_ sign: String) -> Bool {
        skipSpace()
        guard rest.hasPrefix(sign) else { return false }
        rest = rest.dropFirst(sign.count)
        return true
    }

    /// The operator of this level that comes next. `&` and `|` are none where they are doubled.
    private mutating func sign(_ level: Int) -> String? {
        skipSpace()
        for sign in Self.levels[level] where rest.hasPrefix(sign) {
            if (sign == "&" || sign == "|"), rest.hasPrefix(sign + sign) { continue }
            rest = rest.dropFirst(sign.count)
            return sign
        }
        return nil
    }

    private mutating func binary(_ level: Int) throws -> Debugger.Operand {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level + 1)
        while let sign = sign(level) {
            let right = try binary(level + 1)
            if sign == "&&" || sign == "||" {
                guard let a = left.truth, let b = right.truth else {
                    throw fault("\(sign) needs numbers")
                }
                left = .integer((sign == "&&" ? a && b : a || b) ? 1 : 0)
                continue
            }
            guard let result = Debugger.Operand.combine(left, sign, right) else {
                throw fault("\(sign) needs other values")
            }
            left = result
        }
        return left
    }

    private mutating func unary() throws -> Debugger.Operand {
        depth += 1
        defer { depth -= 1 }
        if depth > 24 { throw fault("the expression is too deep") }
        if take("-") {
            guard let value = Debugger.Operand.combine(.integer(0), "-", try unary()) else {
                throw fault("- needs a number")
            }
            return value
        }
        if take("!") {
            guard let truth = try unary().truth else { throw fault("! needs a number") }
            return .integer(truth ? 0 : 1)
        }
        if take("*") {
            guard case .variable(let pointer) = try unary(), let target = pointer.pointee else {
                throw fault("* needs a pointer that is not null")
            }
            return .variable(target)
        }
        if take("&") {
            guard case .variable(let variable) = try unary(), let address = variable.address else {
                throw fault("& needs something in memory")
            }
            return .integer(Int64(bitPattern: address))
        }
        return try postfix()
    }

    private mutating func postfix() throws -> Debugger.Operand {
        var value = try primary()
        while true {
            if take("[") {
                guard let index = try binary(0).integer, take("]") else {
                    throw fault("[…] needs a number")
                }
                guard case .variable(let array) = value, array.hasElements else {
                    throw fault("[…] needs an array or a pointer")
                }
                value = .variable(array.element(index))
            } else if take("->") || take(".") {
                guard let name = name(), case .variable(let whole) = value else {
                    throw fault("a member needs a name")
                }
                guard let part = whole.part(named: name) else {
                    throw fault("there is no member \(name)")
                }
                value = .variable(part)
            } else {
                return value
            }
        }
    }

    private mutating func name() -> String? {
        skipSpace()
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
        guard let first = name.first, !first.isNumber else { return nil }
        rest = rest.dropFirst(name.count)
        return String(name)
    }

    private mutating func primary() throws -> Debugger.Operand {
        if take("(") {
            let value = try binary(0)
            guard take(")") else { throw fault("a ) is missing") }
            return value
        }
        skipSpace()
        if rest.first == "'" { return try character() }
        if rest.first?.isNumber == true { return try number() }
        guard let name = name() else {
            throw fault(rest.isEmpty ? "a value is missing" : "'\(rest)' is not understood")
        }
        if name == "true" { return .integer(1) }
        if name == "false" { return .integer(0) }
        guard let variable = frame.variable(named: name, sourceFrame) else {
            throw fault("there is no variable \(name)")
        }
        return .variable(variable)
    }

    private mutating func character() throws -> Debugger.Operand {
        let body = rest.dropFirst()
        guard let letter = body.unicodeScalars.first, body.dropFirst().first == "'" else {
            throw fault("a letter is one between quotes")
        }
        rest = body.dropFirst(2)
        return .integer(Int64(letter.value))
    }

    private mutating func number() throws -> Debugger.Operand {
        let isHex = rest.hasPrefix("0x") || rest.hasPrefix("0X")
        if isHex {
            let digits = rest.dropFirst(2).prefix { $0.isHexDigit }
            rest = rest.dropFirst(2 + digits.count)
            guard let value = UInt64(digits, radix: 16) else { throw fault("that is no number") }
            return .integer(Int64(bitPattern: value))
        }
        let text = rest.prefix { $0.isNumber || $0 == "." || $0 == "e" }
        rest = rest.dropFirst(text.count)
        if let value = Int64(text) { return .integer(value) }
        guard let value = Double(text) else { throw fault("\(text) is no number") }
        return .float(value)
    }
}

extension Debugger.Variable {
    fileprivate var hasElements: Bool {
        switch type?.kind {
        case .array, .pointer: true
        default: false
        }
    }
}

internal import ApusAssembler
internal import ApusCollections
internal import ApusIR

/// Comparisons, and what depends on them.
extension Selector {
    /// A test of flags being put together: how they are made, and what to ask of them.
    struct FlagSource {
        var made: MachineInstruction
        var condition: FlagCondition
        var a = VirtualRegister.none
        var b = VirtualRegister.none
        var memory: AddressParts?
    }

    /// How to find out whether `value` is not 0, for an instruction with this opcode.
    mutating func test(
        _ opcode: MachineOpcode, _ value: Value, _ function: borrowing Function
    ) -> FlagSource {
        let value = resolve(value)
        let instruction = function[value]
        let isCheap = useCounts[value.index] == 1 && homes[value.index] == block
        switch instruction.operator {
        case .compare where homes[value.index] == block:
            return testIntegers(opcode, instruction, isSingle: isCheap, function)
        case .floatCompare where isCheap:
            return testFloats(opcode, instruction, function)
        case .vectorUnary where isCheap:
            return testVector(opcode, value, function)
                ?? testZero(opcode, value, .init(number: Condition.ne.rawValue), function)
        case .and where isCheap:
            return testBits(opcode, instruction, .init(number: Condition.ne.rawValue), function)
        default:
            return testZero(opcode, value, .init(number: Condition.ne.rawValue), function)
        }
    }

    /// Appends the instruction that `source` has become: a result tied to the first of `first`, or
    /// any, or none; then `first`, then what is tested.
    mutating func append(
        _ source: FlagSource, result: VirtualRegister = .none, tied: [VirtualRegister] = []
    ) {
        var made = source.made
        made.condition = source.condition.number
        begin(made, source.memory)
        if !result.isNone { define(result, tied.isEmpty ? .any : .tied) }
        for register in tied { use(register) }
        if !source.a.isNone { use(source.a) }
        if !source.b.isNone { use(source.b) }
        useMemory(source.memory)
    }

    // MARK: Integers

    private mutating func testIntegers(
        _ opcode: MachineOpcode, _ instruction: ApusIR.Instruction, isSingle: Bool,
        _ function: borrowing Function
    ) -> FlagSource {
        var condition = instruction.integerCondition
        var left = instruction.first
        var right = instruction.second
        if constant(left, function) != nil, constant(right, function) == nil {
            swap(&left, &right)
            condition = condition.swapped
        }
        let type = function.type(left)
        if constant(right, function) == 0, condition == .equal || condition == .notEqual {
            let flag = Self.flagCondition(condition)
            if isSingle, self.isSingle(left, .and, function) {
                return testBits(opcode, function[resolve(left)], flag, function)
            }
            if isSingle, self.isSingle(left, .vectorUnary, function),
                let source = testVector(
                    opcode, left, isInverted: condition == .equal, function)
            {
                return source
            }
            if !(isSingle && canFoldLoad(left, function)) {
                return testZero(opcode, resolve(left), flag, function, type: type)
            }
        }
        if isSingle, canFoldLoad(left, function), !canFoldLoad(right, function),
            constant(right, function) == nil
        {
            swap(&left, &right)
            condition = condition.swapped
        }
        var source = FlagSource(
            made: MachineInstruction(opcode), condition: Self.flagCondition(condition))
        source.made.width = type.width
        if let number = immediate(right, function) {
            source.made.immediate = UInt64(bitPattern: Int64(number))
            if isSingle, canFoldLoad(left, function) {
                source.made.detail = FlagTest.compareMemoryImmediate.rawValue
                source.memory = foldLoad(left, function, &source.made)
            } else {
                source.made.detail = FlagTest.compareImmediate.rawValue
                source.a = register(left, function)
            }
            return source
        }
        if isSingle, canFoldLoad(right, function) {
            source.made.detail = FlagTest.compareMemory.rawValue
            source.a = register(left, function)
            source.memory = foldLoad(right, function, &source.made)
            return source
        }
        source.made.detail = FlagTest.compare.rawValue
        source.a = register(left, function)
        source.b = register(right, function)
        return source
    }

    private mutating func testZero(
        _ opcode: MachineOpcode, _ value: Value, _ condition: FlagCondition,
        _ function: borrowing Function, type: IRType = .i32
    ) -> FlagSource {
        var source = FlagSource(made: MachineInstruction(opcode), condition: condition)
        source.made.width = type.width
        source.made.detail = FlagTest.test.rawValue
        source.a = register(value, function)
        source.b = source.a
        return source
    }

    /// Whether the operands of an `and` have bits in common.
    private mutating func testBits(
        _ opcode: MachineOpcode, _ instruction: ApusIR.Instruction, _ condition: FlagCondition,
        _ function: borrowing Function
    ) -> FlagSource {
        var source = FlagSource(made: MachineInstruction(opcode), condition: condition)
        source.made.width = instruction.type.width
        source.a = register(instruction.first, function)
        if let number = immediate(instruction.second, function) {
            source.made.detail = FlagTest.testImmediate.rawValue
            source.made.immediate = UInt64(bitPattern: Int64(number))
        } else {
            source.made.detail = FlagTest.test.rawValue
            source.b = register(instruction.second, function)
        }
        return source
    }

    static func flagCondition(_ condition: IntegerCondition) -> FlagCondition {
        let code: Condition =
            switch condition {
            case .equal: .e
            case .notEqual: .ne
            case .lessSigned: .l
            case .greaterOrEqualSigned: .ge
            case .greaterSigned: .g
            case .lessOrEqualSigned: .le
            case .lessUnsigned: .b
            case .greaterOrEqualUnsigned: .ae
            case .greaterUnsigned: .a
            case .lessOrEqualUnsigned: .be
            }
        return FlagCondition(number: code.rawValue)
    }

    // MARK: Floats

    private mutating func testFloats(
        _ opcode: MachineOpcode, _ instruction: ApusIR.Instruction,
        _ function: borrowing Function
    ) -> FlagSource {
        var condition = instruction.floatCondition
        var left = instruction.first
        var right = instruction.second
        // Flags tell "above" from "unordered", but not "below".
        switch condition {
        case .less, .notLess, .lessOrEqual, .notLessOrEqual:
            swap(&left, &right)
            condition = condition.swapped
        default: break
        }
        var source = FlagSource(
            made: MachineInstruction(opcode), condition: Self.flagCondition(condition))
        source.made.width = function.type(left).width
        if condition == .equal || condition == .notEqual, isFloatMemory(left, function) {
            swap(&left, &right)
        }
        source.a = register(left, function)
        if isFloatMemory(right, function) {
            source.made.detail = FlagTest.floatMemory.rawValue
            source.memory = floatMemory(right, function, &source.made)
        } else {
            source.made.detail = FlagTest.float.rawValue
            source.b = register(right, function)
        }
        return source
    }

    private static func flagCondition(_ condition: FloatCondition) -> FlagCondition {
        switch condition {
        case .equal: .floatsEqual
        case .notEqual: .floatsDiffer
        case .greater: FlagCondition(number: Condition.a.rawValue)
        case .notGreater: FlagCondition(number: Condition.be.rawValue)
        case .greaterOrEqual: FlagCondition(number: Condition.ae.rawValue)
        // The others have been swapped.
        default: FlagCondition(number: Condition.b.rawValue)
        }
    }

    // MARK: Users

    mutating func lowerComparison(_ value: Value, _ function: borrowing Function) {
        let instruction = function[value]
        let result = resultRegister(value, function)
        // Its own operands may be taken in, whoever else uses the comparison.
        if instruction.operator == .compare {
            append(testIntegers(.set, instruction, isSingle: true, function), result: result)
        } else {
            append(testFloats(.set, instruction, function), result: result)
        }
    }

    mutating func lowerSelect(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let result = resultRegister(value, function)
        let ifSo = register(instruction.second, function)
        let ifNot = register(instruction.third, function)
        let isGeneral = instruction.type.isGeneral
        var source = test(isGeneral ? .select : .selectVector, instruction.first, function)
        if isGeneral, !source.condition.isSimple {
            // Two flags take two moves: ask for the bit instead.
            source = bitTest(of: source, .select)
        }
        append(source, result: result, tied: [ifNot, ifSo])
    }

    /// Makes a 0 or 1 of `source` and tests that.
    private mutating func bitTest(of source: FlagSource, _ opcode: MachineOpcode) -> FlagSource {
        let bit = makeRegister(.i32)
        var set = source
        set.made.opcode = .set
        append(set, result: bit)
        var made = FlagSource(
            made: MachineInstruction(opcode), condition: .init(number: Condition.ne.rawValue))
        made.made.width = .w32
        made.made.detail = FlagTest.test.rawValue
        made.a = bit
        made.b = bit
        return made
    }

    mutating func lowerTrapIf(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        raises = true
        var source = test(.trapIf, instruction.first, function)
        raises = false
        source.made.raised = UInt8(truncatingIfNeeded: instruction.immediate)
        append(source)
    }

    mutating func lowerPayment(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var made = MachineInstruction(.payFuel)
        made.immediate = function.constant(instruction.first) ?? 0
        made.detail = UInt8(truncatingIfNeeded: instruction.immediate)
        begin(made)
    }
}

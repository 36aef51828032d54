internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR

/// Which instructions stand for one of the function's.
extension Selector {
    mutating func lower(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        switch instruction.operator {
        case .constant, .vectorConstant, .context, .parameter, .callResult: break
        case .add, .subtract, .multiply, .multiplyHighSigned, .multiplyHighUnsigned, .and, .or,
            .xor:
            lowerArithmetic(value, instruction, function)
        case .divideSigned, .divideUnsigned, .remainderSigned, .remainderUnsigned:
            lowerDivision(value, instruction, function)
        case .shiftLeft, .shiftRightSigned, .shiftRightUnsigned, .rotateLeft, .rotateRight:
            lowerShift(value, instruction, function)
        case .countLeadingZeros: lowerUnary(.countLeadingZeros, value, instruction, function)
        case .countTrailingZeros: lowerUnary(.countTrailingZeros, value, instruction, function)
        case .populationCount: lowerUnary(.populationCount, value, instruction, function)
        case .byteSwap: lowerUnary(.byteSwap, value, instruction, function, .tied)
        case .extend8Signed: lowerExtension(.w8, value, instruction, function)
        case .extend16Signed: lowerExtension(.w16, value, instruction, function)
        case .extend32Signed, .extendSigned: lowerExtension(.w32, value, instruction, function)
        case .wrap: lowerUnary(.narrow, value, instruction, function)
        case .extendUnsigned: break  // Shares its operand's register.
        case .compare, .floatCompare: lowerComparison(value, function)
        case .select: lowerSelect(value, instruction, function)
        case .bitcast: lowerBitcast(value, instruction, function)
        case .floatAdd: lowerFloat(.add, value, instruction, function)
        case .floatSubtract: lowerFloat(.sub, value, instruction, function)
        case .floatMultiply: lowerFloat(.mul, value, instruction, function)
        case .floatDivide: lowerFloat(.div, value, instruction, function)
        case .minimum, .maximum: lowerExtremum(value, instruction, function)
        case .copySign: lowerCopySign(value, instruction, function)
        case .absolute: lowerUnary(.floatAbsolute, value, instruction, function)
        case .negate: lowerUnary(.floatNegate, value, instruction, function)
        case .squareRoot: lowerUnary(.squareRoot, value, instruction, function)
        case .ceiling: lowerRounding(.ceiling, value, instruction, function)
        case .floor: lowerRounding(.floor, value, instruction, function)
        case .truncate: lowerRounding(.truncate, value, instruction, function)
        case .nearest: lowerRounding(.nearest, value, instruction, function)
        case .promote, .demote: lowerUnary(.convertFloat, value, instruction, function)
        case .convertSigned, .convertUnsigned: lowerConversion(value, instruction, function)
        case .truncateSigned, .truncateUnsigned, .truncateSaturatingSigned,
            .truncateSaturatingUnsigned:
            lowerTruncation(value, instruction, function)
        case .vectorUnary, .vectorBinary, .vectorTernary: lowerVector(value, instruction, function)
        case .extractLane: lowerExtractLane(value, instruction, function)
        case .replaceLane: lowerReplaceLane(value, instruction, function)
        case .shuffle: lowerShuffle(value, instruction, function)
        case .loadLane: lowerLoadLane(value, instruction, function)
        case .storeLane: lowerStoreLane(instruction, function)
        case .load: lowerLoad(value, instruction, function)
        case .store: lowerStore(instruction, function)
        case .atomicLoad: lowerLoad(value, instruction, function)
        case .atomicExchange, .atomicAdd, .atomicAnd, .atomicOr, .atomicXor:
            lowerAtomicUpdate(value, instruction, function)
        case .atomicCompareExchange: lowerAtomicCompareExchange(value, instruction, function)
        case .fence: begin(MachineInstruction(.fence))
        case .allocate: lowerAllocation(value, instruction, function)
        case .typeTest: lowerTypeTest(value, instruction, function)
        case .call, .callImport, .callFar, .callRuntime, .tryCall, .tryCallImport, .tryCallFar,
            .tryCallRuntime:
            lowerCall(value, instruction, function)
        case .trapIf: lowerTrapIf(instruction, function)
        case .payFuel: lowerPayment(instruction, function)
        case .poll: begin(MachineInstruction(.poll))
        case .jump, .branch, .branchTable, .return, .trap, .tailCall, .tailCallFar:
            lowerEnd(instruction, function)
        }
    }

    mutating func resultRegister(
        _ value: Value, _ function: borrowing Function
    ) -> VirtualRegister {
        name(value, function)
    }

    private mutating func lowerUnary(
        _ opcode: MachineOpcode, _ value: Value, _ instruction: ApusIR.Instruction,
        _ function: borrowing Function, _ constraint: Constraint = .any
    ) {
        let a = register(instruction.first, function)
        var made = MachineInstruction(opcode)
        made.width = instruction.type.width
        append(made, resultRegister(value, function), a, constraint)
    }

    private mutating func lowerExtension(
        _ from: OperandWidth, _ value: Value, _ instruction: ApusIR.Instruction,
        _ function: borrowing Function
    ) {
        let a = register(instruction.first, function)
        var made = MachineInstruction(.signExtend)
        made.width = instruction.type.width
        made.detail = from.rawValue
        append(made, resultRegister(value, function), a)
    }

    private mutating func lowerBitcast(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let a = register(instruction.first, function)
        let isFromGeneral = function.type(instruction.first).isGeneral
        var made = MachineInstruction(isFromGeneral ? .moveToFloat : .moveFromFloat)
        if isFromGeneral == instruction.type.isGeneral { made = MachineInstruction(.copy) }
        if made.opcode == .copy { made.flags = .copies }
        made.width = instruction.type.width
        append(made, resultRegister(value, function), a)
    }

    // MARK: Integers

    private mutating func lowerArithmetic(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var left = instruction.first
        var right = instruction.second
        let commutes = instruction.operator.row.effects.contains(.commutes)
        if commutes, constant(left, function) != nil { swap(&left, &right) }
        if instruction.operator == .multiplyHighSigned
            || instruction.operator == .multiplyHighUnsigned
        {
            return lowerHighProduct(value, instruction, left, right, function)
        }
        if let number = immediate(right, function) {
            return lowerArithmetic(value, instruction, left, number, function)
        }
        let result = resultRegister(value, function)
        if lowerAndNot(result, instruction, left, right, function) { return }
        if commutes, canFoldLoad(left, function), !canFoldLoad(right, function) {
            swap(&left, &right)
        }
        var made = MachineInstruction(Self.opcode(instruction.operator))
        made.width = instruction.type.width
        made.detail = Self.aluOp(instruction.operator).rawValue
        if instruction.operator == .add, canFoldLoad(right, function) {
            made.opcode = .alu
            made.detail = AluOp.add.rawValue
        }
        if made.opcode != .add, canFoldLoad(right, function) {
            let memory = foldLoad(right, function, &made)
            made.opcode = made.opcode == .alu ? .aluMemory : .multiplyMemory
            let a = register(left, function)
            begin(made, memory)
            define(result, .tied)
            use(a)
            return useMemory(memory)
        }
        if made.opcode == .add,
            lowerScaledSum(result, made.width, left, right, function)
                || lowerScaledSum(result, made.width, right, left, function)
        {
            return
        }
        if commutes { made.flags = .commutes }
        let a = register(left, function)
        let b = register(right, function)
        append(made, result, a, b, made.opcode == .add ? .any : .tied)
    }

    /// `base + (index << 1, 2 or 3)`, as the processor computes addresses.
    private mutating func lowerScaledSum(
        _ result: VirtualRegister, _ width: OperandWidth, _ base: Value, _ scaled: Value,
        _ function: borrowing Function
    ) -> Bool {
        guard isSingle(scaled, .shiftLeft, function) else { return false }
        let shift = function[resolve(scaled)]
        guard let count = function.constant(resolve(shift.second)), (1...3).contains(count)
        else { return false }
        var made = MachineInstruction(.lea)
        made.width = width
        var parts = AddressParts(form: .baseIndex, scaleLog2: UInt8(truncatingIfNeeded: count))
        parts.base = register(base, function)
        parts.index = register(shift.first, function)
        begin(made, parts)
        define(result)
        useMemory(parts)
        return true
    }

    private static func opcode(_ operator: Operator) -> MachineOpcode {
        switch `operator` {
        case .add: .add
        case .multiply: .multiply
        default: .alu
        }
    }

    private static func aluOp(_ operator: Operator) -> AluOp {
        switch `operator` {
        case .subtract: .sub
        case .and: .and
        case .or: .or
        case .xor: .xor
        default: .add
        }
    }

    /// With a constant for the second operand.
    private mutating func lowerArithmetic(
        _ value: Value, _ instruction: ApusIR.Instruction, _ left: Value, _ number: Int32,
        _ function: borrowing Function
    ) {
        let result = resultRegister(value, function)
        if instruction.operator == .add, function[resolve(left)].operator == .context {
            begin(MachineInstruction(.lea), AddressParts(form: .context, displacement: number))
            return define(result)
        }
        var made = MachineInstruction(.aluImmediate)
        made.width = instruction.type.width
        made.immediate = UInt64(bitPattern: Int64(number))
        let a = register(left, function)
        switch instruction.operator {
        case .add: made.opcode = .addImmediate
        case .subtract:
            made.opcode = .addImmediate
            made.immediate = 0 &- made.immediate
            if number == .min {
                // Its negative is no immediate of 64 bits.
                made.opcode = .aluImmediate
                made.detail = AluOp.sub.rawValue
                made.immediate = UInt64(bitPattern: Int64(number))
                return append(made, result, a, .tied)
            }
        case .multiply: made.opcode = .multiplyImmediate
        case .and where number == 0xFF || number == 0xFFFF:
            made.opcode = .zeroExtend
            made.detail = (number == 0xFF ? OperandWidth.w8 : .w16).rawValue
        case .xor where number == -1:
            made.opcode = .complement
            return append(made, result, a, .tied)
        default:
            made.detail = Self.aluOp(instruction.operator).rawValue
            return append(made, result, a, .tied)
        }
        append(made, result, a)
    }

    /// `~x & y`.
    private mutating func lowerAndNot(
        _ result: VirtualRegister, _ instruction: ApusIR.Instruction, _ left: Value,
        _ right: Value, _ function: borrowing Function
    ) -> Bool {
        guard instruction.operator == .and else { return false }
        return lowerAndNot(result, instruction, inverted: left, other: right, function)
            || lowerAndNot(result, instruction, inverted: right, other: left, function)
    }

    private mutating func lowerAndNot(
        _ result: VirtualRegister, _ instruction: ApusIR.Instruction, inverted: Value,
        other: Value, _ function: borrowing Function
    ) -> Bool {
        guard isSingle(inverted, .xor, function) else { return false }
        let operation = function[resolve(inverted)]
        guard constant(operation.second, function) == -1 else { return false }
        var made = MachineInstruction(.andNot)
        made.width = instruction.type.width
        let a = register(operation.first, function)
        let b = register(other, function)
        append(made, result, a, b)
        return true
    }

    private mutating func lowerHighProduct(
        _ value: Value, _ instruction: ApusIR.Instruction, _ left: Value, _ right: Value,
        _ function: borrowing Function
    ) {
        let result = resultRegister(value, function)
        let a = register(left, function)
        let b = register(right, function)
        var made = MachineInstruction(.multiplyHigh)
        made.width = instruction.type.width
        let isSigned = instruction.operator == .multiplyHighSigned
        made.detail = isSigned ? 1 : 0
        if isSigned { made.clobbers = RegisterSet([.rax]) }
        begin(made)
        define(result, isSigned ? .fixed(PhysicalRegister(.rdx)) : .any)
        use(a, .fixed(PhysicalRegister(isSigned ? .rax : .rdx)))
        use(b)
    }

    private mutating func lowerDivision(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let kind: DivisionKind =
            switch instruction.operator {
            case .divideSigned: .divideSigned
            case .divideUnsigned: .divideUnsigned
            case .remainderSigned: .remainderSigned
            default: .remainderUnsigned
            }
        let result = resultRegister(value, function)
        let a = register(instruction.first, function)
        let b = register(instruction.second, function)
        var made = MachineInstruction(.divide)
        made.width = instruction.type.width
        made.detail = kind.rawValue
        made.condition = UInt8(truncatingIfNeeded: instruction.immediate)
        made.clobbers = RegisterSet([.rax, .rdx])
        begin(made)
        define(result, .fixed(PhysicalRegister(kind.isRemainder ? .rdx : .rax)))
        use(a, .fixed(PhysicalRegister(.rax)))
        use(b)
    }

    private mutating func lowerShift(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let result = resultRegister(value, function)
        var made = MachineInstruction(.shift)
        made.width = instruction.type.width
        let isRotation =
            instruction.operator == .rotateLeft || instruction.operator == .rotateRight
        made.detail = Self.shiftOp(instruction.operator).rawValue
        let a = register(instruction.first, function)
        if let count = constant(instruction.second, function) {
            let bits: Int64 = instruction.type == .i32 ? 32 : 64
            made.immediate = UInt64(bitPattern: count & (bits &- 1))
            if isRotation {
                if instruction.operator == .rotateLeft {
                    made.immediate = UInt64(bitPattern: (0 &- count) & (bits &- 1))
                }
                made.opcode = .rotateImmediate
                return append(made, result, a)
            }
            made.opcode = .shiftImmediate
            return append(made, result, a, .tied)
        }
        let b = register(instruction.second, function)
        if !isRotation { return append(made, result, a, b) }
        made.opcode = .rotate
        begin(made)
        define(result, .tied)
        use(a)
        use(b, .fixed(PhysicalRegister(.rcx)))
    }

    private static func shiftOp(_ operator: Operator) -> ShiftOp {
        switch `operator` {
        case .shiftLeft: .shl
        case .shiftRightSigned: .sar
        case .shiftRightUnsigned: .shr
        case .rotateLeft: .rol
        default: .ror
        }
    }

    // MARK: Floats

    private mutating func lowerFloat(
        _ operation: FloatOp, _ value: Value, _ instruction: ApusIR.Instruction,
        _ function: borrowing Function
    ) {
        var left = instruction.first
        var right = instruction.second
        if operation == .add || operation == .mul, isFloatMemory(left, function),
            !isFloatMemory(right, function)
        {
            swap(&left, &right)
        }
        let result = resultRegister(value, function)
        var made = MachineInstruction(.floatBinary)
        made.width = instruction.type.width
        made.detail = operation.rawValue
        if isFloatMemory(right, function) {
            let memory = floatMemory(right, function, &made)
            made.opcode = .floatBinaryMemory
            let a = register(left, function)
            begin(made, memory)
            // A move before the access would have its place among the traps.
            define(result, threeOperands)
            use(a)
            return useMemory(memory)
        }
        let a = register(left, function)
        let b = register(right, function)
        append(made, result, a, b)
    }

    private mutating func lowerExtremum(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var made = MachineInstruction(.extremum)
        made.width = instruction.type.width
        made.detail = instruction.operator == .minimum ? 1 : 0
        let a = register(instruction.first, function)
        let b = register(instruction.second, function)
        append(made, resultRegister(value, function), a, b)
    }

    private mutating func lowerCopySign(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var made = MachineInstruction(.copySign)
        made.width = instruction.type.width
        let a = register(instruction.first, function)
        let b = register(instruction.second, function)
        append(made, resultRegister(value, function), a, b)
    }

    private mutating func lowerRounding(
        _ mode: RoundingMode, _ value: Value, _ instruction: ApusIR.Instruction,
        _ function: borrowing Function
    ) {
        var made = MachineInstruction(.round)
        made.width = instruction.type.width
        made.detail = mode.rawValue
        let a = register(instruction.first, function)
        append(made, resultRegister(value, function), a)
    }

    private mutating func lowerConversion(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let from = function.type(instruction.first)
        let isSigned = instruction.operator == .convertSigned
        var made = MachineInstruction(
            !isSigned && from == .i64 ? .convertUnsignedToFloat : .convertToFloat)
        made.width = instruction.type.width
        // An i32 without sign is as many bits with a zero for the sign.
        made.detail = (isSigned && from == .i32 ? OperandWidth.w32 : .w64).rawValue
        let a = register(instruction.first, function)
        append(made, resultRegister(value, function), a)
    }

    private mutating func lowerTruncation(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var kind: TruncationKind = []
        if function.type(instruction.first) == .f64 { kind.insert(.fromF64) }
        switch instruction.operator {
        case .truncateSigned: kind.insert(.signed)
        case .truncateSaturatingSigned: kind.formUnion([.signed, .saturating])
        case .truncateSaturatingUnsigned: kind.insert(.saturating)
        default: break
        }
        var made = MachineInstruction(.truncate)
        made.width = instruction.type.width
        made.detail = kind.rawValue
        let a = register(instruction.first, function)
        append(made, resultRegister(value, function), a)
    }
}

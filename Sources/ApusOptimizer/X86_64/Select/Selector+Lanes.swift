internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusIR
internal import ApusVectors

/// Single lanes, shuffles, and vectors in memory.
extension Selector {
    mutating func lowerSplat(
        _ shape: VectorShape, _ result: VirtualRegister, _ operand: Value,
        _ function: borrowing Function
    ) {
        if shape.laneWidth == .w32 || shape.laneWidth == .w64, canFoldLoad(operand, function) {
            var made = MachineInstruction(.loadVector)
            made.detail =
                (shape.laneWidth == .w32 ? VectorLoad.splat32 : VectorLoad.splat64).rawValue
            let memory = foldLoad(operand, function, &made)
            begin(made, memory)
            define(result)
            return useMemory(memory)
        }
        switch shape {
        case .f32x4:
            perform(.unaryImmediate(.pshufd, 0), result, VectorOperands(operand), function)
        case .f64x2: perform(.unary(.movddup), result, VectorOperands(operand), function)
        case .i8x16, .i16x8, .i32x4, .i64x2:
            if let number = constant(operand, function) {
                var made = MachineInstruction(.repeatedConstant)
                made.immediate = Self.repeated(UInt64(bitPattern: number), shape.laneWidth)
                made.width = .w128
                return append(made, result)
            }
            var made = MachineInstruction(.vectorSplat)
            made.detail = shape.rawValue
            append(made, result, register(operand, function))
        }
    }

    /// The low bits of `number` in all lanes of 64 bits.
    private static func repeated(_ number: UInt64, _ width: Width) -> UInt64 {
        switch width {
        case .w8: (number & 0xFF) &* 0x0101_0101_0101_0101
        case .w16: (number & 0xFFFF) &* 0x0001_0001_0001_0001
        case .w32: (number & 0xFFFF_FFFF) &* 0x0000_0001_0000_0001
        case .w64: number
        }
    }

    // MARK: Out of lanes

    mutating func lowerExtractLane(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard case .vectorExtractLane(let shape, let sign) = Self.operation(instruction) else {
            return isRefused = true
        }
        let result = resultRegister(value, function)
        let lane = UInt8(truncatingIfNeeded: instruction.c)
        if shape.isFloat {
            if lane == 0 { return appendCopy(result, instruction.first, function) }
            let order: UInt8 = shape == .f32x4 ? lane : 0xEE
            return perform(
                .unaryImmediate(.pshufd, order), result, VectorOperands(instruction.first),
                function)
        }
        let width = shape.laneWidth
        let a = register(instruction.first, function)
        var made = MachineInstruction(.extractLane)
        made.detail = width.rawValue
        made.condition = lane
        if lane == 0, width == .w32 || width == .w64 {
            made.opcode = .moveFromFloat
            made.width = width == .w32 ? .w32 : .w64
        }
        guard sign == .signed else { return append(made, result, a) }
        let extracted = makeRegister(.i32)
        append(made, extracted, a)
        var extending = MachineInstruction(.signExtend)
        extending.width = .w32
        extending.detail = (width == .w8 ? OperandWidth.w8 : .w16).rawValue
        append(extending, result, extracted)
    }

    mutating func lowerStoreLane(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard let width = Self.laneWidth(instruction.access.width) else {
            return isRefused = true
        }
        let lane = UInt8(truncatingIfNeeded: function.lane(instruction))
        var made = MachineInstruction(.storeLane)
        made.trap = instruction.access.trapCode
        made.detail = width.rawValue
        made.condition = lane
        if lane == 0, width == .w32 || width == .w64 {
            made.opcode = .storeFloat
            made.width = width == .w32 ? .w32 : .w64
        }
        let value = register(function.stored(instruction), function)
        let memory = address(instruction, function)
        begin(made, memory)
        use(value)
        useMemory(memory)
    }

    // MARK: Into lanes

    mutating func lowerReplaceLane(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard case .vectorReplaceLane(let shape) = Self.operation(instruction) else {
            return isRefused = true
        }
        let result = resultRegister(value, function)
        let lane = UInt8(truncatingIfNeeded: instruction.c)
        let width = shape.laneWidth
        // A number of this type is as wide as a lane only if lanes have 32 or 64 bits.
        if width == .w32 || width == .w64, canFoldLoad(instruction.second, function) {
            var made = Self.insertion(width, lane)
            let memory = foldLoad(instruction.second, function, &made)
            return insert(made, result, instruction.first, memory, function)
        }
        var made = MachineInstruction(shape.isFloat ? .insertFloat : .insertLane)
        made.detail = shape.isFloat ? shape.rawValue : width.rawValue
        made.condition = lane
        let a = register(instruction.first, function)
        let b = register(instruction.second, function)
        append(made, result, a, b, threeOperands)
    }

    mutating func lowerLoadLane(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard let width = Self.laneWidth(instruction.access.width) else {
            return isRefused = true
        }
        let result = resultRegister(value, function)
        var made = Self.insertion(width, UInt8(truncatingIfNeeded: function.lane(instruction)))
        made.trap = instruction.access.trapCode
        let memory = address(instruction, function)
        insert(made, result, function.stored(instruction), memory, function)
    }

    /// What inserts a lane from memory: float instructions take one step less.
    private static func insertion(_ width: Width, _ lane: UInt8) -> MachineInstruction {
        var made = MachineInstruction(.insertLaneMemory)
        made.detail = width.rawValue
        made.condition = lane
        if width == .w32 {
            made.opcode = .vectorImmediateMemory
            made.immediate =
                UInt64(VectorImmediateOp.insertps.rawValue) | UInt64(lane) &<< 36
        } else if width == .w64 {
            made.opcode = .vectorBinaryMemory
            let op: VectorOp = lane == 0 ? .movlpd : .movhpd
            made.immediate = UInt64(op.rawValue)
        }
        return made
    }

    private mutating func insert(
        _ made: MachineInstruction, _ result: VirtualRegister, _ vector: Value,
        _ memory: AddressParts, _ function: borrowing Function
    ) {
        let a = register(vector, function)
        begin(made, memory)
        define(result, threeOperands)
        use(a)
        useMemory(memory)
    }

    private static func laneWidth(_ width: AccessWidth) -> Width? {
        switch width {
        case .lane8: .w8
        case .lane16: .w16
        case .lane32: .w32
        case .lane64: .w64
        default: nil
        }
    }

    /// What a load of a vector does to the bytes that it reads.
    static func vectorLoad(_ width: AccessWidth) -> VectorLoad? {
        switch width {
        case .full: .full
        case .extend8x8Signed: .extend8x8Signed
        case .extend8x8Unsigned: .extend8x8Unsigned
        case .extend16x4Signed: .extend16x4Signed
        case .extend16x4Unsigned: .extend16x4Unsigned
        case .extend32x2Signed: .extend32x2Signed
        case .extend32x2Unsigned: .extend32x2Unsigned
        case .splat8: .splat8
        case .splat16: .splat16
        case .splat32: .splat32
        case .splat64: .splat64
        case .zero32: .zero32
        case .zero64: .zero64
        default: nil
        }
    }

    // MARK: Shuffles

    mutating func lowerShuffle(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let result = resultRegister(value, function)
        let first = resolve(instruction.first)
        let second = resolve(instruction.second)
        var known: ShufflePlan.Operands = []
        if first == second { known.insert(.isSame) }
        if isZeroVector(first, function) { known.insert(.isFirstZero) }
        if isZeroVector(second, function) { known.insert(.isSecondZero) }
        let bits = function.vectors[Int(instruction.c)]
        let plan = ShufflePlan(
            ShuffleLanes(low: bits.low, high: bits.high), known, vectorOptions)
        let a = plan.takesSecondAsA ? second : first
        let b = plan.takesSecondAsB ? second : first
        if case .plan(let method) = plan.method {
            let operands = method.operandCount == 1 ? VectorOperands(a) : VectorOperands(a, b)
            return perform(method, result, operands, function)
        }
        var made = MachineInstruction(.vectorLookup)
        made.detail = known.rawValue
        made.immediate = UInt64(instruction.c)
        let left = register(a, function)
        if case .lookups = plan.method {
            append(made, result, left, register(b, function))
        } else {
            append(made, result, left)
        }
    }

    /// A swizzle by constant lanes is a shuffle with zero; false if it has no such lanes.
    mutating func lowerSwizzle(
        _ result: VirtualRegister, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) -> Bool {
        let lanes = function[resolve(instruction.second)]
        guard lanes.operator == .vectorConstant else { return false }
        let bits = function.vectors[Int(lanes.a)]
        let plan = ShufflePlan(
            ShuffleLanes(low: bits.low, high: bits.high), .isSecondZero, vectorOptions)
        guard !plan.takesSecondAsA else { return false }
        if case .plan(let method) = plan.method {
            let operands = VectorOperands(instruction.first, instruction.first)
            perform(method, result, operands, function)
        } else {
            var made = MachineInstruction(.vectorLookup)
            made.detail = ShufflePlan.Operands.isSecondZero.rawValue
            made.immediate = UInt64(lanes.a)
            append(made, result, register(instruction.first, function))
        }
        return true
    }

    private mutating func isZeroVector(_ value: Value, _ function: borrowing Function) -> Bool {
        guard function[value].operator == .vectorConstant else { return false }
        let bits = function.vectors[Int(function[value].a)]
        return bits.low | bits.high == 0
    }
}

internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusIR
internal import ApusVectors

/// Vectors.
extension Emitter {
    private static var scratch: XMM { CallingConvention.floatScratch }

    /// The memory operand, which may be one of the function's vectors.
    private mutating func vectorAddress(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction,
        _ vectors: borrowing Arena<VectorBits>
    ) -> Address {
        guard instruction.memory == .vector else { return memory(instruction, function) }
        return code.pooled(VectorConstant(vectors[Int(instruction.displacement)]))
    }

    // MARK: One instruction of the processor

    mutating func emitVector(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction,
        _ vectors: borrowing Arena<VectorBits>
    ) {
        let number = UInt32(truncatingIfNeeded: instruction.immediate)
        let byte = UInt8(truncatingIfNeeded: instruction.immediate &>> 32)
        let result = vector(Int(instruction.operands), function)
        if instruction.memory != .none {
            let address = vectorAddress(instruction, function, vectors)
            markMemory(instruction)
            return emitVectorMemory(instruction, number, byte, result, address, function)
        }
        let first = instruction.uses.lowerBound
        let a = vector(first, function)
        switch instruction.opcode {
        case .vectorUnary:
            if let op = VectorUnaryOp(rawValue: number) { code.vector(op, result, a) }
        case .vectorBinary:
            guard let op = VectorOp(rawValue: number) else { return }
            code.vector(op, result, a, vector(first &+ 1, function))
        case .vectorImmediate:
            guard let op = VectorImmediateOp(rawValue: number) else { return }
            code.vector(op, result, a, vector(first &+ 1, function), immediate: byte)
        case .vectorUnaryImmediate:
            guard let op = VectorUnaryImmediateOp(rawValue: number) else { return }
            code.vector(op, result, a, immediate: byte)
        case .vectorShift:
            guard let op = VectorShiftOp(rawValue: number) else { return }
            code.vector(op, result, a, immediate: byte)
        case .vectorFused:
            guard let op = VectorOp(rawValue: number) else { return }
            code.vector(op, result, vector(first &+ 1, function), vector(first &+ 2, function))
        default:
            guard let op = VectorBlendOp(rawValue: number) else { return }
            code.vector(
                op, result, a, vector(first &+ 1, function), mask: vector(first &+ 2, function))
        }
    }

    private mutating func emitVectorMemory(
        _ instruction: MachineInstruction, _ number: UInt32, _ byte: UInt8, _ result: XMM,
        _ address: Address, _ function: borrowing MachineFunction
    ) {
        let first = instruction.uses.lowerBound
        switch instruction.opcode {
        case .vectorUnaryMemory:
            if let op = VectorUnaryOp(rawValue: number) { code.vector(op, result, address) }
        case .vectorBinaryMemory:
            guard let op = VectorOp(rawValue: number) else { return }
            code.vector(op, result, vector(first, function), address)
        case .vectorImmediateMemory:
            guard let op = VectorImmediateOp(rawValue: number) else { return }
            code.vector(op, result, vector(first, function), address, immediate: byte)
        case .vectorUnaryImmediateMemory:
            guard let op = VectorUnaryImmediateOp(rawValue: number) else { return }
            code.vector(op, result, address, immediate: byte)
        default:
            guard let op = VectorOp(rawValue: number) else { return }
            code.vector(op, result, vector(first &+ 1, function), address)
        }
    }

    // MARK: Sequences

    mutating func emitSequence(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        guard let kind = VectorSequence.Kind(rawValue: instruction.detail),
            let shape = VectorShape(rawValue: instruction.condition)
        else { return }
        let results = Int(instruction.operands)
        let first = instruction.uses.lowerBound
        var registers = VectorRegisters(
            target: vector(results, function), a: vector(first, function), scratch: Self.scratch)
        if instruction.definitionCount > 1 { registers.temporary = vector(results &+ 1, function) }
        if instruction.useCount > 1 { registers.b = vector(first &+ 1, function) }
        if instruction.useCount > 2 { registers.c = vector(first &+ 2, function) }
        let count = UInt8(truncatingIfNeeded: instruction.immediate)
        code.vector(VectorSequence(kind, shape, count: count), registers)
    }

    mutating func emitLookup(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction,
        _ vectors: borrowing Arena<VectorBits>
    ) {
        let bits = vectors[Int(instruction.immediate)]
        let plan = ShufflePlan(
            ShuffleLanes(low: bits.low, high: bits.high),
            ShufflePlan.Operands(rawValue: instruction.detail), vectorOptions)
        let result = vector(Int(instruction.operands), function)
        let first = instruction.uses.lowerBound
        let a = vector(first, function)
        switch plan.method {
        case .lookup(let table): code.vector(.pshufb, result, a, code.pooled(table))
        case .lookups(let table, let other):
            code.lookUp(
                result, a, table, vector(first &+ 1, function), other, scratch: Self.scratch)
        case .plan: break  // Has become another instruction.
        }
    }

    // MARK: Lanes

    mutating func emitLane(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let lane = instruction.condition
        let result = Int(instruction.operands)
        let first = instruction.uses.lowerBound
        switch instruction.opcode {
        case .vectorSplat:
            code.splat(
                instruction.shape, vector(result, function), general(first, function),
                scratch: Self.scratch,
                vectorOptions)
        case .vectorBitmask:
            code.bitmask(
                instruction.shape, general(result, function), vector(first, function),
                scratch: Self.scratch)
        case .extractLane:
            code.extractLane(
                instruction.laneWidth, general(result, function), vector(first, function),
                lane: lane)
        case .insertLane:
            code.insertLane(
                instruction.laneWidth, vector(result, function), vector(first, function),
                general(first &+ 1, function), lane: lane)
        case .insertFloat:
            code.insertFloat(
                instruction.shape, vector(result, function), vector(first, function),
                vector(first &+ 1, function), lane: lane)
        default:
            let address = memory(instruction, function)
            markMemory(instruction)
            emitLaneMemory(instruction, address, function)
        }
    }

    private mutating func emitLaneMemory(
        _ instruction: MachineInstruction, _ address: Address,
        _ function: borrowing MachineFunction
    ) {
        let result = Int(instruction.operands)
        let first = instruction.uses.lowerBound
        switch instruction.opcode {
        case .insertLaneMemory:
            code.insertLane(
                instruction.laneWidth, vector(result, function), vector(first, function), address,
                lane: instruction.condition)
        case .storeLane:
            code.extractLane(
                instruction.laneWidth, address, vector(first, function), lane: instruction.condition
            )
        default:
            code.loadVector(
                instruction.vectorLoad, vector(result, function),
                address, general: CallingConvention.scratch, scratch: Self.scratch, vectorOptions)
        }
    }
}

extension VectorConstant {
    init(_ bits: VectorBits) { self.init(low: bits.low, high: bits.high) }
}

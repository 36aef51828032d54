internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR
internal import ApusVectors

/// The code of each instruction.
extension Emitter {
    /// The registers of an instruction's operands.
    struct Operands {
        let start: Int
        let useStart: Int
        let useEnd: Int

        init(_ instruction: MachineInstruction) {
            start = Int(instruction.operands)
            useStart = instruction.uses.lowerBound
            useEnd = instruction.uses.upperBound
        }
    }

    @inline(__always)
    mutating func general(_ place: Int, _ function: borrowing MachineFunction) -> GPR {
        function.operands[place].assigned.general
    }

    @inline(__always)
    mutating func vector(_ place: Int, _ function: borrowing MachineFunction) -> XMM {
        function.operands[place].assigned.vector
    }

    /// The memory operand of an instruction.
    mutating func memory(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) -> Address {
        let end = instruction.uses.upperBound
        let displacement = instruction.displacement
        let scale = 1 &<< Int(instruction.scaleLog2)
        let context = CallingConvention.context
        switch instruction.memory {
        case .none, .vector: return Address(context)
        case .base: return Address(general(end &- 1, function), displacement)
        case .baseIndex:
            return Address(
                general(end &- 2, function), index: general(end &- 1, function), scale: scale,
                displacement)
        case .context: return Address(context, displacement)
        case .contextIndex:
            return Address(
                context, index: general(end &- 1, function), scale: scale, displacement)
        case .frame: return Address(.rbp, displacement)
        case .stack: return Address(.rsp, displacement)
        case .constant: return constantAddress(instruction.width, instruction.immediate)
        }
    }

    private mutating func constantAddress(_ width: OperandWidth, _ bits: UInt64) -> Address {
        if width == .w32 {
            return Address(constant: code.constant32(UInt32(truncatingIfNeeded: bits)))
        }
        return Address(constant: code.constant64(bits))
    }

    mutating func emit(
        _ instruction: MachineInstruction, _ block: MachineBlock,
        _ function: borrowing MachineFunction, _ vectors: borrowing Arena<VectorBits>
    ) {
        switch instruction.opcode {
        case .parameters, .results: break
        case .immediate, .floatConstant, .vectorConstant, .repeatedConstant, .contextRegister:
            let register = function.operands[Int(instruction.operands)].assigned
            emitRepeatable(instruction, register, keepsFlags: false, vectors)
        case .copy, .narrow, .signExtend, .zeroExtend, .moveToFloat, .moveFromFloat, .lea:
            emitMove(instruction, function)
        case .add, .addImmediate, .alu, .aluImmediate, .aluMemory, .multiply, .multiplyImmediate,
            .multiplyMemory, .negate, .complement, .byteSwap, .andNot:
            emitArithmetic(instruction, function)
        case .multiplyHigh: emitHighProduct(instruction, function)
        case .divide: emitDivision(instruction, function)
        case .shiftImmediate, .shift, .rotateImmediate, .rotate, .countLeadingZeros,
            .countTrailingZeros, .populationCount:
            emitBits(instruction, function)
        case .set, .select, .selectVector, .trapIf: emitFlagUser(instruction, function)
        case .payFuel: emitPayment(instruction)
        case .poll: emitPoll()
        case .branch: emitBranch(instruction, block, function)
        case .load, .loadFloat, .store, .storeFloat, .storeImmediate, .aluStore,
            .aluStoreImmediate:
            emitAccess(instruction, function)
        case .atomicExchange, .atomicAdd, .atomicAlu, .atomicAluStore, .atomicCompareExchange:
            emitAtomic(instruction, function)
        case .fence: code.mfence()
        case .floatBinary, .floatBinaryMemory, .extremum, .floatNegate, .floatAbsolute,
            .copySign, .squareRoot, .round, .convertFloat, .convertToFloat,
            .convertUnsignedToFloat:
            emitFloat(instruction, function)
        case .truncate: emitTruncation(instruction, function)
        case .vectorUnary, .vectorUnaryMemory, .vectorUnaryImmediate,
            .vectorUnaryImmediateMemory, .vectorBinary, .vectorBinaryMemory, .vectorImmediate,
            .vectorImmediateMemory, .vectorShift, .vectorFused, .vectorFusedMemory, .vectorBlend:
            emitVector(instruction, function, vectors)
        case .vectorSequence: emitSequence(instruction, function)
        case .vectorLookup: emitLookup(instruction, function, vectors)
        case .vectorSplat, .vectorBitmask, .extractLane, .insertLane, .insertLaneMemory,
            .storeLane, .insertFloat, .loadVector:
            emitLane(instruction, function)
        case .reserveStack, .releaseStack, .call, .callImport, .callFar, .callRuntime,
            .tailCall, .tailCallFar:
            emitCall(instruction, block, function)
        case .allocate: emitAllocation(instruction, function)
        case .typeTest: emitTypeTest(instruction, function)
        case .landing: emitLanding()
        case .jump, .branchTable, .return, .trap: emitEnd(instruction, block, function)
        }
    }

    /// An instruction that reads no register, with its result in `register`.
    mutating func emitRepeatable(
        _ instruction: MachineInstruction, _ register: PhysicalRegister, keepsFlags: Bool,
        _ vectors: borrowing Arena<VectorBits>
    ) {
        switch instruction.opcode {
        case .immediate:
            if instruction.immediate == 0, !keepsFlags {
                code.zero(register.general)
            } else {
                code.moveImmediate(register.general, instruction.immediate)
            }
        case .floatConstant:
            if instruction.immediate == 0 {
                code.floatXor(register.vector, register.vector, register.vector)
            } else {
                code.loadFloat(
                    instruction.floatWidth, register.vector,
                    constantAddress(instruction.width, instruction.immediate))
            }
        case .vectorConstant:
            let bits = vectors[Int(instruction.immediate)]
            code.load(VectorConstant(bits), into: register.vector)
        case .repeatedConstant:
            code.load(VectorConstant(instruction.immediate), into: register.vector)
        case .contextRegister:
            code.move(.w64, register.general, CallingConvention.context)
        case .load:
            emitLoad(instruction, register.general, fixedAddress(instruction))
        case .lea: code.lea(.w64, register.general, fixedAddress(instruction))
        default:
            loadVectorRegister(instruction.width, register.vector, fixedAddress(instruction))
        }
    }

    /// The memory operand of an instruction that reads no register.
    private mutating func fixedAddress(_ instruction: MachineInstruction) -> Address {
        instruction.memory == .frame
            ? Address(.rbp, instruction.displacement)
            : Address(CallingConvention.context, instruction.displacement)
    }

    // MARK: Moves

    private mutating func emitMove(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let operands = Operands(instruction)
        let result = function.operands[operands.start].assigned
        if instruction.opcode == .lea {
            return code.lea(
                instruction.width.width, result.general, memory(instruction, function))
        }
        let a = function.operands[operands.useStart].assigned
        switch instruction.opcode {
        case .copy:
            if result == a { return }
            if result.isVector {
                code.move(result.vector, a.vector)
            } else {
                code.move(.w64, result.general, a.general)
            }
        case .narrow: code.move(.w32, result.general, a.general)
        case .signExtend:
            code.moveSignExtended(
                from: instruction.sourceWidth.width, to: instruction.width.width, result.general,
                a.general)
        case .zeroExtend:
            code.moveZeroExtended(from: instruction.sourceWidth.width, result.general, a.general)
        case .moveToFloat:
            code.moveToFloat(instruction.width.width, result.vector, a.general)
        default: code.moveFromFloat(instruction.width.width, result.general, a.vector)
        }
    }

    // MARK: Integers

    private mutating func emitArithmetic(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let operands = Operands(instruction)
        let result = general(operands.start, function)
        let width = instruction.width.width
        let a = general(operands.useStart, function)
        let number = Int32(truncatingIfNeeded: instruction.immediate)
        if instruction.useCount == 2, let slot = frameOperand(operands.useStart &+ 1, function) {
            return emitArithmetic(instruction, result, a, slot)
        }
        switch instruction.opcode {
        case .add: emitAdd(width, result, a, general(operands.useStart &+ 1, function))
        case .addImmediate:
            if result != a {
                code.lea(width, result, Address(a, number))
            } else {
                code.alu(.add, width, result, immediate: number)
                noteFlags(of: result, width)
            }
        case .alu:
            code.alu(instruction.aluOp, width, result, general(operands.useStart &+ 1, function))
            noteFlags(of: result, width)
        case .aluImmediate:
            code.alu(instruction.aluOp, width, result, immediate: number)
            noteFlags(of: result, width)
        case .aluMemory:
            let memory = memory(instruction, function)
            markMemory(instruction)
            code.alu(instruction.aluOp, width, result, memory)
            noteFlags(of: result, width)
        case .multiply: code.imul(width, result, general(operands.useStart &+ 1, function))
        case .multiplyImmediate: emitMultiply(width, result, a, number)
        case .multiplyMemory:
            let memory = memory(instruction, function)
            markMemory(instruction)
            code.imul(width, result, memory)
        case .negate: code.negate(width, result)
        case .complement: code.not(width, result)
        case .byteSwap: code.bswap(width, result)
        default:
            code.andn(width, result, a, general(operands.useStart &+ 1, function))
        }
    }

    /// With the second operand in the frame.
    private mutating func emitArithmetic(
        _ instruction: MachineInstruction, _ result: GPR, _ a: GPR, _ slot: Address
    ) {
        let width = instruction.width.width
        switch instruction.opcode {
        case .multiply: code.imul(width, result, slot)
        case .add where result != a:
            code.load(width, result, slot)
            code.alu(.add, width, result, a)
        default:
            code.alu(instruction.opcode == .add ? .add : instruction.aluOp, width, result, slot)
        }
    }

    private mutating func emitAdd(_ width: Width, _ result: GPR, _ a: GPR, _ b: GPR) {
        if result == a || result == b {
            code.alu(.add, width, result, result == a ? b : a)
            noteFlags(of: result, width)
        } else if a == .r13 || a == .rbp {
            // As a base it would need a displacement.
            code.lea(width, result, Address(b, index: a))
        } else {
            code.lea(width, result, Address(a, index: b))
        }
    }

    private mutating func emitMultiply(
        _ width: Width, _ result: GPR, _ a: GPR, _ number: Int32
    ) {
        switch number {
        case 3, 5, 9: code.lea(width, result, Address(a, index: a, scale: Int(number) - 1))
        default: code.imul(width, result, a, immediate: number)
        }
    }

    private mutating func emitHighProduct(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let operands = Operands(instruction)
        let b = general(operands.useStart &+ 1, function)
        if instruction.detail == 1 {
            code.multiplySigned(instruction.width.width, b)
        } else {
            code.mulx(
                instruction.width.width, high: general(operands.start, function),
                low: CallingConvention.scratch, b)
        }
    }

    private mutating func emitDivision(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let flags = DivisionFlags(rawValue: UInt16(instruction.condition))
        let divisor = general(Operands(instruction).useStart &+ 1, function)
        let width = instruction.width.width
        if !flags.contains(.notZero) {
            code.test(width, divisor, divisor)
            trap(.integerDivideByZero, if: .e)
        }
        let kind = instruction.division
        guard kind.isSigned else {
            code.zero(.rdx)
            return code.divide(width, divisor)
        }
        let end = code.makeLabel()
        let needsTest = kind.isRemainder && !flags.contains(.noOverflow)
        if needsTest {
            // The remainder by -1 is 0, but the processor might fault.
            let ordinary = code.makeLabel()
            code.alu(.cmp, width, divisor, immediate: -1)
            code.jump(.ne, ordinary, near: true)
            code.zero(.rdx)
            code.jump(end, near: true)
            code.bind(ordinary)
        }
        code.signExtendAccumulator(width)
        if !kind.isRemainder, !flags.contains(.noOverflow) { markSite(.integerOverflow) }
        code.divideSigned(width, divisor)
        code.bind(end)
    }

    private mutating func emitBits(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let operands = Operands(instruction)
        let result = general(operands.start, function)
        let a = general(operands.useStart, function)
        let width = instruction.width.width
        let count = UInt8(truncatingIfNeeded: instruction.immediate)
        switch instruction.opcode {
        case .shiftImmediate: code.shift(instruction.shiftOp, width, result, immediate: count)
        case .shift:
            code.shiftX(
                instruction.shiftOp, width, result, a, general(operands.useStart &+ 1, function))
        case .rotateImmediate:
            if result == a {
                code.shift(.ror, width, result, immediate: count)
            } else {
                code.rorx(width, result, a, count)
            }
        case .rotate: code.shiftByCL(instruction.shiftOp, width, result)
        case .countLeadingZeros: code.lzcnt(width, result, a)
        case .countTrailingZeros: code.tzcnt(width, result, a)
        default: code.popcnt(width, result, a)
        }
    }

    // MARK: Memory

    private mutating func emitAccess(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let operands = Operands(instruction)
        let width = instruction.width
        let address = memory(instruction, function)
        let number = Int32(truncatingIfNeeded: instruction.immediate)
        markMemory(instruction)
        switch instruction.opcode {
        case .load: emitLoad(instruction, general(operands.start, function), address)
        case .loadFloat: loadVectorRegister(width, vector(operands.start, function), address)
        case .store: code.store(width.width, address, general(operands.useStart, function))
        case .storeImmediate: code.store(width.width, address, immediate: number)
        case .storeFloat:
            let value = vector(operands.useStart, function)
            if width == .w128 {
                code.storeVector(address, value)
            } else {
                code.storeFloat(instruction.floatWidth, address, value)
            }
        case .aluStore:
            code.alu(instruction.aluOp, width.width, address, general(operands.useStart, function))
        default: code.alu(instruction.aluOp, width.width, address, immediate: number)
        }
    }

    private mutating func emitLoad(
        _ instruction: MachineInstruction, _ result: GPR, _ address: Address
    ) {
        switch instruction.loadExtension {
        case .zero8: code.loadZeroExtended(from: .w8, result, address)
        case .zero16: code.loadZeroExtended(from: .w16, result, address)
        case .zero32: code.load(.w32, result, address)
        case .full64: code.load(.w64, result, address)
        case .signed8To32: code.loadSignExtended(from: .w8, to: .w32, result, address)
        case .signed16To32: code.loadSignExtended(from: .w16, to: .w32, result, address)
        case .signed8To64: code.loadSignExtended(from: .w8, to: .w64, result, address)
        case .signed16To64: code.loadSignExtended(from: .w16, to: .w64, result, address)
        case .signed32To64: code.loadSignExtended(from: .w32, to: .w64, result, address)
        }
    }

    private mutating func loadVectorRegister(
        _ width: OperandWidth, _ register: XMM, _ address: Address
    ) {
        if width == .w128 {
            code.loadVector(register, address)
        } else {
            code.loadFloat(width == .w32 ? .f32 : .f64, register, address)
        }
    }
}

extension OperandWidth {
    /// As the assembler says it; a vector has none.
    @inline(__always) var width: Width {
        switch self {
        case .w8: .w8
        case .w16: .w16
        case .w32: .w32
        case .w64, .w128: .w64
        }
    }
}

extension MachineInstruction {
    @inline(__always) var floatWidth: FloatWidth { width == .w32 ? .f32 : .f64 }
}

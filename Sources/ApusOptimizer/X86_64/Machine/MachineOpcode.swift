internal import ApusCollections

/// What instructions of x86-64 there are to the optimizing compiler: some are one instruction of
/// the processor, some a short sequence. Operands are listed as results ← uses; `memory` stands
/// for the registers of a memory operand. `tied` means that the result replaces the first use.
///
/// Where the processor sets flags and reads them again, both are one instruction here: those that
/// test name the test in `detail` (`FlagTest`), what they test are their last uses, and
/// `condition` is a `FlagCondition`.
enum MachineOpcode: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    // Values from nowhere
    /// The parameters that arrive in registers ←
    case parameters
    /// The results of a call that catches exceptions, in registers, at the start of the block in
    /// which it goes on ←
    case results
    /// The exception, at the start of a block that handles it ←. Takes off the stack whatever the
    /// call had on it.
    case landing
    /// immediate ←; of a vector constant the immediate is its number.
    case immediate, floatConstant, vectorConstant
    /// A vector: twice the immediate ←
    case repeatedConstant
    /// The context ←
    case contextRegister

    // Moves
    /// a ← a, all bits; the low 32 bits of a general register
    case copy, narrow
    /// Sign- or zero-extended from the width in `detail` to `width`.
    case signExtend, zeroExtend
    /// Between general and vector registers.
    case moveToFloat, moveFromFloat
    /// address ← memory
    case lea

    // Integers. With `Immediate` the immediate is the second operand, with `Memory` it is read.
    case add, addImmediate
    /// tied, `detail` is an `AluOp`
    case alu, aluImmediate, aluMemory
    case multiply, multiplyImmediate, multiplyMemory
    /// high ← a (in rdx or rax), b; `detail` is 1 if signed
    case multiplyHigh
    /// rax or rdx ← rax, b; `detail` is a `DivisionKind`, `condition` its flags
    case divide
    /// tied, `detail` is a `ShiftOp`
    case shiftImmediate
    /// a shifted by b ← a, b
    case shift
    /// ← a, rotated right by the immediate
    case rotateImmediate
    /// tied ← a, count in rcx
    case rotate
    /// tied
    case negate, complement, byteSwap
    case countLeadingZeros, countTrailingZeros, populationCount
    /// ← ~a & b
    case andNot

    // Flags
    /// 0 or 1 ← tested
    case set
    /// tied ← if not, if so, tested
    case select, selectVector
    /// ← tested; goes to the first successor if the condition holds, else to the second
    case branch
    /// ← tested
    case trapIf
    /// Takes the immediate from the fuel; traps if `detail` is 1 and there is too little.
    case payFuel
    /// Traps if the thread has been told to leave wasm.
    case poll

    // Memory
    /// `detail` is a `LoadExtension`
    case load, loadFloat
    /// ← value, memory
    case store, storeFloat
    /// ← memory
    case storeImmediate
    /// memory op= value, memory op= immediate; `detail` is an `AluOp`
    case aluStore, aluStoreImmediate

    // Atomics. What is narrower than the result has zeroes above.
    /// tied: old value ← value, memory
    case atomicExchange, atomicAdd
    /// memory op= value, the old value in rax ← value, memory; `detail` is an `AluOp`
    case atomicAlu
    /// memory op= value ← value, memory; `detail` is an `AluOp`
    case atomicAluStore
    /// old value in rax ← expected value in rax, value, memory; `detail` is 1 if zeroes are missing
    /// above
    case atomicCompareExchange
    case fence

    // Floats; `detail` is a `FloatOp`
    case floatBinary, floatBinaryMemory
    /// `detail` is 1 for the minimum
    case extremum
    case floatNegate, floatAbsolute, copySign, squareRoot
    /// `detail` is a `RoundingMode`
    case round
    /// To the width from the other one.
    case convertFloat
    /// From the width in `detail`, 32 or 64 bits, signed; from an unsigned one of 64.
    case convertToFloat, convertUnsignedToFloat
    /// To the integer of `width`; `detail` is a `TruncationKind`.
    case truncate

    // Vectors. The low half of the immediate is the number of an instruction of the processor, the
    // byte above it is the immediate of that one. With `Memory` the last operand is read.
    case vectorUnary, vectorUnaryMemory
    case vectorUnaryImmediate, vectorUnaryImmediateMemory
    case vectorBinary, vectorBinaryMemory
    case vectorImmediate, vectorImmediateMemory
    case vectorShift
    /// tied ← the operand that is replaced, and the others in the order of the processor
    case vectorFused, vectorFusedMemory
    /// ← a, b, mask
    case vectorBlend
    /// A `VectorSequence`: `detail` is its kind, `condition` its shape, the immediate its count.
    /// result, temporary ← a, b, c as far as it has them
    case vectorSequence
    /// A shuffle by tables: the immediate is the number of its lanes among the function's vectors,
    /// `detail` what is known of its operands.
    case vectorLookup
    /// `detail` is a `VectorShape`.
    case vectorSplat, vectorBitmask
    /// `detail` is the `Width` of a lane, `condition` the lane.
    case extractLane, insertLane, insertLaneMemory, storeLane
    /// `detail` is a `VectorShape`, `condition` the lane.
    case insertFloat
    /// `detail` is a `VectorLoad`.
    case loadVector

    // Objects
    /// object, temporary ← bytes, length. The place of the type's id in the context is the
    /// displacement; what `detail` (`AllocationOperands`) says is no register is in the immediate.
    /// No other register changes, whoever makes the object.
    case allocate
    /// 0 or 1 ← reference; the immediate is a `TypeTest`, the displacement where the context has
    /// the id of the type.
    case typeTest

    // Calls. Arguments and results are in fixed registers. Those that catch exceptions end their
    // blocks (`MachineFlags.catches`) and leave results to `results`.
    /// Makes room on the stack for the immediate's bytes; gives it back.
    case reserveStack, releaseStack
    /// The function whose index is the immediate.
    case call
    /// The imported function whose record is at the displacement of the context.
    case callImport
    /// ← address of the function's record in r11, arguments. Reading it may be a trap.
    case callFar
    /// The function of the runtime whose number is the immediate.
    case callRuntime
    /// The function whose index is the immediate, in place of this one. The displacement is the
    /// bytes of its stack arguments, which are at the top of the stack.
    case tailCall
    /// ← address of the function's record in r11, arguments. Reading it may be a trap. As
    /// `tailCall` otherwise.
    case tailCallFar

    // Ends of blocks
    case jump
    /// ← index; to the successor of that number, or the last one
    case branchTable
    case `return`
    case trap
}

/// How the flags are made that an instruction tests.
enum FlagTest: UInt8, BitwiseCopyable, Sendable {
    case compare, compareImmediate, compareMemory, compareMemoryImmediate
    case test, testImmediate
    case float, floatMemory
    /// Whether any lane is not 0; whether no lane is, when the flags say that two are equal, of
    /// the `VectorShape` that the immediate names.
    case vectorAnyTrue, vectorAllTrue

    /// How many registers it reads besides those of a memory operand.
    var registerCount: Int {
        switch self {
        case .compare, .test, .float: 2
        case .compareImmediate, .compareMemory, .testImmediate, .floatMemory, .vectorAnyTrue,
            .vectorAllTrue:
            1
        case .compareMemoryImmediate: 0
        }
    }
}

/// What a test of flags says: the processor's sixteen conditions by their numbers, and the two
/// that take two flags.
struct FlagCondition: Hashable, BitwiseCopyable, Sendable {
    var number: UInt8

    /// Floats are equal: none is a NaN.
    static var floatsEqual: FlagCondition { FlagCondition(number: 16) }
    static var floatsDiffer: FlagCondition { FlagCondition(number: 17) }

    var isSimple: Bool { number < 16 }
    var inverted: FlagCondition { FlagCondition(number: number ^ 1) }
}

/// Which division, and which half of what the processor gives.
enum DivisionKind: UInt8, BitwiseCopyable, Sendable {
    case divideSigned, divideUnsigned, remainderSigned, remainderUnsigned

    var isSigned: Bool { self == .divideSigned || self == .remainderSigned }
    var isRemainder: Bool { self == .remainderSigned || self == .remainderUnsigned }
}

/// What a load does to the bits that memory does not give. The result has 64 bits.
enum LoadExtension: UInt8, BitwiseCopyable, Sendable {
    case zero8, zero16, zero32, full64
    case signed8To32, signed16To32, signed8To64, signed16To64, signed32To64
}

/// Which operands of an allocation are in registers.
struct AllocationOperands: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8

    static var bytes: AllocationOperands { .init(rawValue: 1) }
    static var length: AllocationOperands { .init(rawValue: 2) }
}

/// Floats to integers: how, in bits, and of which float.
struct TruncationKind: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8

    static var signed: TruncationKind { .init(rawValue: 1) }
    static var saturating: TruncationKind { .init(rawValue: 2) }
    static var fromF64: TruncationKind { .init(rawValue: 4) }
}

extension MachineInstruction {
    @inline(__always) init(_ opcode: MachineOpcode) { self.init(number: opcode.rawValue) }

    @inline(__always) var opcode: MachineOpcode {
        get { MachineOpcode(stored: number, or: .trap) }
        set { number = newValue.rawValue }
    }

    /// Loads that read nothing that changes are marked so in `condition`.
    static var constantLoad: UInt8 { 1 }

    /// Whether repeating it, anywhere, gives the same.
    fileprivate var isRepeatable: Bool {
        switch opcode {
        case .immediate, .floatConstant, .vectorConstant, .repeatedConstant, .contextRegister: true
        case .load, .loadFloat:
            condition == Self.constantLoad && (memory == .context || memory == .frame)
        case .lea: memory == .context
        default: false
        }
    }

    /// Which uses can be read from the frame.
    fileprivate var frameUses: MachineFlags {
        guard memory == .none, width == .w32 || width == .w64 else { return [] }
        switch opcode {
        case .add, .alu, .multiply, .floatBinary: return .lastMayBeInFrame
        case .branch, .set, .select, .trapIf:
            switch flagTest {
            case .compare: return .lastTwoMayBeInFrame
            case .compareImmediate: return .lastMayBeInFrame
            case .compareMemory, .compareMemoryImmediate, .test, .testImmediate, .float,
                .floatMemory, .vectorAnyTrue, .vectorAllTrue:
                return []
            }
        default: return []
        }
    }
}

extension MachineFunction {
    /// Notes what the allocator has to know of instructions besides their operands, when all of
    /// them are there: which may be repeated, and what they can read from the frame.
    mutating func noteFacts() {
        for index in 0..<instructions.count {
            let instruction = instructions[index]
            instructions[index].flags.formUnion(instruction.frameUses)
            guard instruction.isRepeatable else { continue }
            let result = operands[Int(instruction.operands)].value
            registers[result.index].source = UInt32(truncatingIfNeeded: index)
        }
    }
}

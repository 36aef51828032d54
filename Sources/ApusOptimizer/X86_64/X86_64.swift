internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusVectors

/// x86-64, as what lies outside this folder knows it.
enum X86_64: Target {
    /// All that the first processors with AVX2 brought is taken for granted, but for vectors, which
    /// are done without that too.
    static func supports(_ processor: ProcessorFeatures) -> Bool {
        processor.isSuperset(of: [.popcnt, .lzcnt, .bmi1, .bmi2])
    }

    static func registers(isFuelMetered: Bool) -> RegisterFile {
        isFuelMetered ? .meteredX86_64 : .x86_64
    }

    static var scratch: ScratchRegisters { .x86_64 }

    static func name(of register: PhysicalRegister) -> String {
        if register.isNone { return "none" }
        if register.isVector { return "xmm\(register.number & 15)" }
        let names = [
            "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
            "r13", "r14", "r15",
        ]
        return names[Int(register.number & 15)]
    }

    static func name(of instruction: MachineInstruction) -> String {
        "\(instruction.opcode).\(instruction.width)\(instruction.distinction)"
    }

    static func hasImmediate(_ instruction: MachineInstruction) -> Bool {
        instruction.hasImmediate
    }
}

/// The processor that code is made for.
typealias HostTarget = X86_64

extension VectorOptions {
    /// What `processor` has a use for.
    init(_ processor: ProcessorFeatures, isDeterministic: Bool) {
        self.init(
            avx: processor.contains(.avx), avx2: processor.contains(.avx2),
            fma: processor.contains(.fma), avx512: processor.contains(.avx512),
            isDeterministic: isDeterministic)
    }
}

extension MachineInstruction {
    /// What tells it from others of its opcode and width.
    fileprivate var distinction: String {
        switch opcode {
        case .alu, .aluImmediate, .aluMemory, .aluStore, .aluStoreImmediate, .atomicAlu,
            .atomicAluStore:
            AluOp(rawValue: detail).map { ".\($0)" } ?? ""
        case .shiftImmediate, .shift, .rotate: ShiftOp(rawValue: detail).map { ".\($0)" } ?? ""
        case .floatBinary, .floatBinaryMemory: FloatOp(rawValue: detail).map { ".\($0)" } ?? ""
        case .load: LoadExtension(rawValue: detail).map { ".\($0)" } ?? ""
        case .set, .select, .selectVector, .branch, .trapIf:
            "\(FlagTest(rawValue: detail).map { ".\($0)" } ?? "").\(flagName)"
        default:
            (detail != 0 ? ".\(detail)" : "") + (condition != 0 ? ".\(condition)" : "")
        }
    }

    private var flagName: String {
        if let simple = Condition(rawValue: condition) { return "\(simple)" }
        return condition == FlagCondition.floatsEqual.number ? "equal" : "unequal"
    }

    /// The immediate means something, or is more than its absence.
    fileprivate var hasImmediate: Bool {
        if memory == .constant { return false }
        switch opcode {
        case .immediate, .floatConstant, .vectorConstant, .repeatedConstant, .addImmediate,
            .aluImmediate, .multiplyImmediate, .shiftImmediate, .rotateImmediate, .storeImmediate,
            .aluStoreImmediate, .payFuel, .reserveStack, .releaseStack, .call, .callRuntime,
            .tailCall:
            return true
        default: return immediate != 0
        }
    }
}

internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

extension RegisterSet {
    init(_ registers: [GPR]) {
        self.init(rawValue: registers.reduce(0) { $0 | 1 << UInt64($1.rawValue) })
    }

    /// xmm0 to xmm14.
    static var allVectors: RegisterSet { RegisterSet(rawValue: 0x7FFF_0000) }

    /// What calls do not keep.
    static var lostByCalls: RegisterSet { RegisterFile.x86_64.lostByCalls }
}

extension RegisterFile {
    /// All but the stack and frame pointers, the context and the scratch registers.
    static let x86_64 = RegisterFile(
        general: RegisterSet([
            .rax, .rcx, .rdx, .rbx, .rsi, .rdi, .r8, .r9, .r10, .r12, .r13, .r14,
        ]),
        vector: .allVectors,
        calleeSaved: RegisterSet(CallingConvention.calleeSaved),
        preferred: RegisterSet([.rcx, .rsi, .rdi, .rdx, .rax]).union(
            RegisterSet(rawValue: 0x00FF_0000)))

    /// In metered code one of them holds the fuel.
    static let meteredX86_64 = {
        var file = x86_64
        file.general.subtract(RegisterSet(PhysicalRegister(CallingConvention.fuel)))
        file.calleeSaved.subtract(RegisterSet(PhysicalRegister(CallingConvention.fuel)))
        return file
    }()

    /// Registers that calls change, among those that are given out.
    var lostByCalls: RegisterSet { general.union(vector).subtracting(calleeSaved) }
}

extension ScratchRegisters {
    static let x86_64 = ScratchRegisters(
        general: PhysicalRegister(CallingConvention.scratch),
        vector: PhysicalRegister(CallingConvention.floatScratch))
}

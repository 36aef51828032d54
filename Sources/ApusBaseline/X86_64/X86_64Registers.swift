internal import ApusABI
internal import ApusAssembler

extension RegisterSet {
    @inline(__always) init(_ register: GPR) { self.init(PhysicalRegister(register)) }
    @inline(__always) init(_ register: XMM) { self.init(PhysicalRegister(register)) }
}

extension RegisterPlan {
    @inline(__always)
    static var x86_64: RegisterPlan {
        RegisterPlan(
            general: RegisterRoles(
                temporaries: four(.rax, .rcx, .rdx, .rsi),
                volatileHomes: four(.rdi, .r8, .r9, .r10),
                savedHomes: four(.rbx, .r12, .r13, .r14), homeCount: 8,
                result: PhysicalRegister(.rax)),
            vector: RegisterRoles(
                // xmm0 to xmm5, then xmm6 to xmm14; calls destroy them all.
                temporaries: RegisterSet(rawValue: 0x003F_0000),
                volatileHomes: RegisterSet(rawValue: 0x7FC0_0000), savedHomes: [], homeCount: 9,
                result: PhysicalRegister(.xmm0)),
            vectorScratch: PhysicalRegister(CallingConvention.floatScratch))
    }

    @inline(__always)
    private static func four(_ a: GPR, _ b: GPR, _ c: GPR, _ d: GPR) -> RegisterSet {
        RegisterSet(a).union(RegisterSet(b)).union(RegisterSet(c)).union(RegisterSet(d))
    }
}

extension ValueClass {
    /// Width of a general register that holds such a value.
    @inline(__always) var width: Width { self == .i32 ? .w32 : .w64 }
    @inline(__always) var floatWidth: FloatWidth { self == .f32 ? .f32 : .f64 }
}

extension Operand {
    /// Of an operand in a register, which one that is.
    @inline(__always) var general: GPR { register.general }
    @inline(__always) var float: XMM { register.vector }

    @inline(__always)
    static func register(_ type: ValueClass, _ register: GPR) -> Operand {
        .register(type, PhysicalRegister(register))
    }

    @inline(__always)
    static func register(_ type: ValueClass, _ register: XMM) -> Operand {
        .register(type, PhysicalRegister(register))
    }

    /// The bits of a constant as what a store of its width can carry, if they fit.
    @inline(__always) var storeImmediate: Int32? {
        if type == .i32 || type == .f32 { return Int32(truncatingIfNeeded: bits) }
        if type == .v128 { return nil }
        return Int32(exactly: Int64(bitPattern: bits))
    }
    /// A constant as a sign-extended 32-bit immediate of an instruction of its width, if it fits.
    @inline(__always) var immediate: Int32? {
        guard kind == .constant else { return nil }
        if type == .i32 { return Int32(truncatingIfNeeded: bits) }
        return Int32(exactly: Int64(bitPattern: bits))
    }
}

extension LocalHome {
    @inline(__always) var general: GPR { register.general }
    @inline(__always) var float: XMM { register.vector }
}

extension Destination {
    @inline(__always) var general: GPR { register.general }
    @inline(__always) var float: XMM { register.vector }
}

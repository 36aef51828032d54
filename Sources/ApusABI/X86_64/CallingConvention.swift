public import ApusAssembler
public import ApusFormat

/// How values travel between wasm functions (`docs/abi.md` is the long form).
///
/// Parameters in order: each general one takes the next of `generalArguments`, each float or
/// vector the next of `floatArguments`; when its file is used up it takes the next 8-byte stack
/// slot (16 for v128). Results likewise with `generalResults` and `floatResults`; the rest go to
/// the result area, which is the caller's, and whose address is the last word of the stack
/// arguments: a tail call hands it on as it is, whatever frames lie between. The callee pops the
/// stack arguments (`ret n`).
/// At entry: [rsp] return address, [rsp+8…] stack arguments.
public enum CallingConvention {
    public static let generalArguments = (0..<generalArgumentCount).map(generalArgument)
    public static let floatArguments = (0..<floatArgumentCount).map(floatArgument)
    public static let generalResults = (0..<generalResultCount).map(generalResult)
    public static let floatResults = (0..<floatResultCount).map(floatResult)
    public static var generalArgumentCount: Int { 8 }
    public static var floatArgumentCount: Int { 8 }
    public static var generalResultCount: Int { 4 }
    public static var floatResultCount: Int { 4 }
    /// Kept by every callee, besides rsp, rbp and r15.
    public static let calleeSaved: [GPR] = [.rbx, .r12, .r13, .r14]
    /// The running instance's context.
    public static let context: GPR = .r15
    /// What fuel is left, in code that is metered: then no register that callees keep.
    public static let fuel: GPR = .r14
    /// Free before a call whose general arguments are in registers and at most
    /// `CallCounts.generalArgumentLimit`.
    public static let callCounting: (GPR, GPR) = (.rax, .r10)
    /// Where code that catches an exception finds its record when it is landed at.
    public static let exception: GPR = .rax
    /// Never carry a value across an instruction of the compiler's.
    public static let scratch: GPR = .r11
    public static let floatScratch: XMM = .xmm15

    // The compilers' hot paths ask for one register at a time, without touching an array.

    /// The register of general argument `index`, one of `generalArguments`.
    public static func generalArgument(_ index: Int) -> GPR {
        switch index {
        case 0: .rdi
        case 1: .rsi
        case 2: .rdx
        case 3: .rcx
        case 4: .r8
        case 5: .r9
        case 6: .rax
        default: .r10
        }
    }

    /// The register of float argument or result `index`.
    public static func floatArgument(_ index: Int) -> XMM {
        XMM(lowBits: UInt8(truncatingIfNeeded: index & 7))
    }

    /// The register of float result `index`.
    public static func floatResult(_ index: Int) -> XMM { floatArgument(index) }

    /// The register of general result `index`, one of `generalResults`.
    public static func generalResult(_ index: Int) -> GPR {
        switch index {
        case 0: .rax
        case 1: .rdx
        case 2: .rcx
        default: .rsi
        }
    }

    /// Where one parameter or result is.
    public enum Location: Hashable, Sendable {
        case general(GPR)
        case float(XMM)
        /// Byte offset from the start of the stack arguments (or of the result area).
        case stack(Int32)
    }

    /// Places of values of `types`, and the bytes of stack they take.
    public static func locate(
        _ types: [ValueType], general: [GPR], float: [XMM]
    ) -> (locations: [Location], stackBytes: Int32) {
        var locations: [Location] = []
        locations.reserveCapacity(types.count)
        var nextGeneral = 0
        var nextFloat = 0
        var stack: Int32 = 0
        for type in types {
            if type.isGeneral, nextGeneral < general.count {
                locations.append(.general(general[nextGeneral]))
                nextGeneral += 1
            } else if !type.isGeneral, nextFloat < float.count {
                locations.append(.float(float[nextFloat]))
                nextFloat += 1
            } else {
                locations.append(.stack(stack))
                stack += type == .v128 ? 16 : 8
            }
        }
        return (locations, stack)
    }

    /// Bytes of the stack arguments of `type`, without working out their places.
    public static func parameterStackBytes(_ type: FunctionType) -> Int32 {
        argumentAreaBytes(
            arguments: stackBytes(
                type.parameters, general: generalArgumentCount, float: floatArgumentCount),
            results: resultStackBytes(type))
    }

    /// Bytes of the stack arguments of a function whose parameters take `arguments` bytes of stack
    /// and whose results take `results`: the address of the result area, if there is one, is the
    /// last word of them. A multiple of 16, so that a tail call with other parameters keeps the
    /// stack aligned.
    @inline(__always)
    public static func argumentAreaBytes(arguments: Int32, results: Int32) -> Int32 {
        (arguments &+ (results > 0 ? 8 : 0) &+ 15) & ~15
    }

    /// Where the address of the result area is in stack arguments of `bytes` bytes.
    @inline(__always)
    public static func resultPointerOffset(in bytes: Int32) -> Int32 { bytes &- 8 }

    /// Bytes of the result area of `type`.
    public static func resultStackBytes(_ type: FunctionType) -> Int32 {
        stackBytes(type.results, general: generalResultCount, float: floatResultCount)
    }

    private static func stackBytes(_ types: [ValueType], general: Int, float: Int) -> Int32 {
        var generalLeft = general
        var floatLeft = float
        var bytes: Int32 = 0
        for type in types {
            let size: Int32 = type == .v128 ? 16 : 8
            if type.isGeneral {
                if generalLeft == 0 { bytes += size } else { generalLeft -= 1 }
            } else {
                if floatLeft == 0 { bytes += size } else { floatLeft -= 1 }
            }
        }
        return bytes
    }

    /// Places of the parameters of `type`, and the bytes of stack they take.
    public static func parameters(
        _ type: FunctionType
    ) -> (locations: [Location], stackBytes: Int32) {
        let places = locate(type.parameters, general: generalArguments, float: floatArguments)
        let bytes = argumentAreaBytes(
            arguments: places.stackBytes, results: resultStackBytes(type))
        return (places.locations, bytes)
    }

    /// Places of the results of `type`, and the bytes of the result area.
    public static func results(_ type: FunctionType) -> (locations: [Location], stackBytes: Int32) {
        locate(type.results, general: generalResults, float: floatResults)
    }

    /// Offset of each value in the cells through which host and wasm pass them: 8 bytes, 16 for
    /// a v128, in order.
    public static func cellOffsets(_ types: [ValueType]) -> [Int32] {
        var next: Int32 = 0
        return types.map { type in
            defer { next += type == .v128 ? 16 : 8 }
            return next
        }
    }

    /// Bytes of the cells for values of `types`.
    public static func cellBytes(_ types: [ValueType]) -> Int32 {
        types.reduce(0) { $0 + ($1 == .v128 ? 16 : 8) }
    }
}

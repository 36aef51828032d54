public import ApusFormat

/// How values travel between wasm functions (`docs/abi.md` is the long form), whatever registers
/// the processor has for them: which ones, says each processor's `CallingConvention`.
///
/// Parameters in order: each general one takes the next of `generalArguments`, each float or
/// vector the next of `floatArguments`; when its file is used up it takes the next 8-byte stack
/// slot (16 for v128). Results likewise with `generalResult` and `floatResult`; the rest go to
/// the result area, which is the caller's, and whose address is the last word of the stack
/// arguments: a tail call hands it on as it is, whatever frames lie between.
public protocol RegisterConvention {
    associatedtype GeneralRegister: Hashable & Sendable
    associatedtype FloatRegister: Hashable & Sendable

    static var generalArgumentCount: Int { get }
    static var floatArgumentCount: Int { get }
    static var generalResultCount: Int { get }
    static var floatResultCount: Int { get }

    // The compilers' hot paths ask for one register at a time, without touching an array.

    /// The register of general argument `index`, below `generalArgumentCount`; so the others.
    static func generalArgument(_ index: Int) -> GeneralRegister
    static func floatArgument(_ index: Int) -> FloatRegister
    static func generalResult(_ index: Int) -> GeneralRegister
    static func floatResult(_ index: Int) -> FloatRegister
}

/// Where one parameter or result is.
public enum ValueLocation<General: Hashable & Sendable, Float: Hashable & Sendable>: Hashable,
    Sendable
{
    case general(General)
    case float(Float)
    /// Byte offset from the start of the stack arguments (or of the result area).
    case stack(Int32)
}

extension RegisterConvention {
    public typealias Location = ValueLocation<GeneralRegister, FloatRegister>

    // Who calls these knows the convention: `@inlinable` compiles it for that one there.

    @inlinable
    public static var generalArguments: [GeneralRegister] {
        (0..<generalArgumentCount).map(generalArgument)
    }
    @inlinable
    public static var floatArguments: [FloatRegister] {
        (0..<floatArgumentCount).map(floatArgument)
    }

    // Places are told one by one: making an array of them has the runtime look through all of the
    // process for the conformances of its elements.

    /// Tells where the parameters of `type` are, in order.
    @inlinable @inline(__always)
    public static func forEachParameter(
        _ type: FunctionType, _ body: (_ index: Int, _ location: Location) -> Void
    ) {
        locate(
            type.parameters, generalArgumentCount, generalArgument, floatArgumentCount,
            floatArgument, body)
    }

    /// Tells where the results of `type` are, in order.
    @inlinable @inline(__always)
    public static func forEachResult(
        _ type: FunctionType, _ body: (_ index: Int, _ location: Location) -> Void
    ) {
        locate(
            type.results, generalResultCount, generalResult, floatResultCount, floatResult, body)
    }

    /// Tells where values of `types` are, with so many registers of each kind.
    @inlinable @inline(__always)
    static func locate(
        _ types: [ValueType], _ generalCount: Int, _ general: (Int) -> GeneralRegister,
        _ floatCount: Int, _ float: (Int) -> FloatRegister,
        _ body: (_ index: Int, _ location: Location) -> Void
    ) {
        var nextGeneral = 0
        var nextFloat = 0
        var stack: Int32 = 0
        for (index, type) in types.enumerated() {
            if type.isGeneral, nextGeneral < generalCount {
                body(index, .general(general(nextGeneral)))
                nextGeneral += 1
            } else if !type.isGeneral, nextFloat < floatCount {
                body(index, .float(float(nextFloat)))
                nextFloat += 1
            } else {
                body(index, .stack(stack))
                stack += type == .v128 ? 16 : 8
            }
        }
    }

    // MARK: Bytes

    /// Bytes of the stack arguments of `type`, without working out their places.
    @inlinable
    public static func parameterStackBytes(_ type: FunctionType) -> Int32 {
        argumentAreaBytes(
            arguments: stackBytes(
                type.parameters, general: generalArgumentCount, float: floatArgumentCount),
            results: resultStackBytes(type))
    }

    /// Bytes of the result area of `type`.
    @inlinable
    public static func resultStackBytes(_ type: FunctionType) -> Int32 {
        stackBytes(type.results, general: generalResultCount, float: floatResultCount)
    }

    @inlinable
    static func stackBytes(_ types: [ValueType], general: Int, float: Int) -> Int32 {
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

    /// Bytes of the stack arguments of a function whose parameters take `arguments` bytes of stack
    /// and whose results take `results`: the address of the result area, if there is one, is the
    /// last word of them. A multiple of 16, so that a tail call with other parameters keeps the
    /// stack aligned.
    @inlinable @inline(__always)
    public static func argumentAreaBytes(arguments: Int32, results: Int32) -> Int32 {
        (arguments &+ (results > 0 ? 8 : 0) &+ 15) & ~15
    }

    /// Where the address of the result area is in stack arguments of `bytes` bytes.
    @inlinable @inline(__always)
    public static func resultPointerOffset(in bytes: Int32) -> Int32 { bytes &- 8 }
}

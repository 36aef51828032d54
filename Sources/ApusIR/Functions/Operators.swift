// What instructions there are. One row per operator: everything else about one is derived from
// its row, and from nothing else. Read by translation, every pass, the printer, the parser, the
// verifier, and whoever makes machine code.

/// What an instruction does. The operands are the instruction's fields `a`, `b` and `c`, by
/// `OperandShape`; results are of the instruction's type.
///
/// Integer arithmetic is of i32 and i64, modulo 2^32 and 2^64. A count of a shift or rotation is
/// of the type that is shifted, and counts modulo the type's bits.
public enum Operator: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    // Values that need no place: they stand in no block, and everything may use them.
    /// The bits `a` (low) and `b` (high) as a value of any type but v128.
    case constant
    /// `Function.vectors[a]`.
    case vectorConstant
    /// The address of the record of the running instance (an i64), the machine's to provide.
    case context

    // Blocks
    /// A parameter of a block, or of the function in the entry block: see `Function`.
    case parameter

    // Integers. `add`, `subtract`, `multiply` and `shiftLeft` may carry `noWrap`.
    case add, subtract, multiply
    /// The upper half of the product that has twice the bits.
    case multiplyHighSigned, multiplyHighUnsigned
    /// Division traps by itself unless `DivisionFlags` say that it cannot.
    case divideSigned, divideUnsigned, remainderSigned, remainderUnsigned
    case and, or, xor
    case shiftLeft, shiftRightSigned, shiftRightUnsigned, rotateLeft, rotateRight
    case countLeadingZeros, countTrailingZeros, populationCount
    /// The low bits widened with their sign. `extend32Signed` is of i64 only.
    case extend8Signed, extend16Signed, extend32Signed
    case byteSwap
    /// 1 if the condition holds of `a` and `b`, else 0.
    case compare
    /// `b` if `a` is not 0, else `c`. Of any type.
    case select

    // Integers to integers
    /// i64 to i32: the low half.
    case wrap
    /// i32 to i64.
    case extendSigned, extendUnsigned
    /// The same bits as another type: between i32 and f32, i64 and f64, and i64 and ref.
    case bitcast

    // Floats. `minimum` and `maximum` are WebAssembly's.
    case floatAdd, floatSubtract, floatMultiply, floatDivide
    case minimum, maximum, copySign
    case absolute, negate, squareRoot, ceiling, floor, truncate, nearest
    case floatCompare
    /// f32 to f64 and back.
    case promote, demote
    case convertSigned, convertUnsigned
    /// Float to integer; out of range they trap by themselves.
    case truncateSigned, truncateUnsigned
    case truncateSaturatingSigned, truncateSaturatingUnsigned

    // Vectors: the immediate is the instruction's number after WebAssembly's prefix 0xFD.
    case vectorUnary, vectorBinary, vectorTernary
    /// Lane `c` of `a`; `a` with `b` for lane `c`.
    case extractLane, replaceLane
    /// Bytes of `a` and `b`, chosen by the 16 bytes of `Function.vectors[c]`.
    case shuffle

    // Memory: the address is a + b + c, of which b may be missing and c is a signed constant.
    case load, store
    /// Loads a lane of a vector operand; stores one.
    case loadLane, storeLane
    // Of memories that other threads may have. Accesses are as wide as `load` has it, with zeroes
    // above, and aligned. Each is ordered before and behind all others, and what is read behind it
    // is read anew.
    case atomicLoad
    /// Stores and gives what was there before: the operand, or what it makes of that.
    case atomicExchange, atomicAdd, atomicAnd, atomicOr, atomicXor
    /// Gives what was there before; stores the first operand if that was the second.
    case atomicCompareExchange
    /// Orders as an atomic access does.
    case fence

    // Objects, of which the machine knows more. What names a type is a constant.
    /// A new object of the type that `b` names, all zeros: of `a` bytes, an i64, and `c` elements,
    /// an i32, if it is an array. The collector may run.
    case allocate
    /// Whether `a` refers to an object of the type that `b` names, in the way that the immediate
    /// says: 1 or 0.
    case typeTest

    // Calls. The first result is the call's own value, further ones are `callResult`s that
    // follow it at once.
    /// Of function `a` of this module, with arguments.
    case call
    /// Of the imported function whose record (`apus_function_import`) is at displacement `a` of
    /// the context.
    case callImport
    /// Of the function whose record (`apus_funcref`) is at address `a`, which may belong to another
    /// instance. Reading the record of null is the trap that the immediate names, if there is one.
    case callFar
    /// Of the function of the runtime that the immediate names; the context goes with it unsaid,
    /// and vectors by their addresses.
    case callRuntime
    /// Result number `immediate` (from 1) of the call `a`.
    case callResult
    /// Traps with the immediate's code if `a` is not 0.
    case trapIf
    /// In metered code: takes `a`, a constant, from the fuel that is left. If the immediate is 1 it
    /// traps when that was too little.
    case payFuel
    /// Traps if the thread has been told to leave wasm.
    case poll

    // Ends of blocks
    /// Goes on along edge `a`.
    case jump
    /// Goes on along edge `b` if `a` is not 0, else along edge `c`.
    case branch
    /// Goes on along edge `b` + `a`, or along `b` + `c` - 1 if `a`, unsigned, is not below that.
    case branchTable
    case `return`
    case trap
    /// Like `call` and `callFar`, in place of this function.
    case tailCall, tailCallFar
    /// Like the calls without `try`, but exceptions that leave them are handled here: see
    /// `Function`. Behind the arguments the pool has the first of their edges, the number of
    /// handlers, and the `CatchClause` of each.
    case tryCall, tryCallImport, tryCallFar, tryCallRuntime
}

extension Operator {
    /// Of a call that ends its block because exceptions are handled: the one that does not.
    @inline(__always)
    public var plainCall: Operator? {
        switch self {
        case .tryCall: .call
        case .tryCallImport: .callImport
        case .tryCallFar: .callFar
        case .tryCallRuntime: .callRuntime
        default: nil
        }
    }
}

extension Operator {
    /// How many words of the pool an access has: its value and displacement, and a lane or a second
    /// value.
    @inline(__always)
    var poolWords: Int {
        switch self {
        case .loadLane, .storeLane, .atomicCompareExchange: 3
        default: 2
        }
    }
}

/// Which of an instruction's fields are operands.
public enum OperandShape: UInt8, BitwiseCopyable, Sendable {
    case none
    /// `a`
    case unary
    /// `a`, `b`
    case binary
    /// `a`, `b`, `c`
    case ternary
    /// `a`, and `b` unless it is missing; `c` is the displacement.
    case load
    /// As `load`, but `c` is where the pool has the value and the displacement, and for lanes the
    /// lane's number.
    case store
    /// As `store`, and a second value behind the displacement.
    case compareStore
    /// `c` values in the pool from `b` on.
    case list
    /// `a`, then as `list`.
    case unaryAndList
}

/// What an instruction needs or does besides its operands and its result.
public struct Effects: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt8

    @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// May stop the function. Loads and stores do so if their access says it.
    public static var traps: Effects { .init(rawValue: 1) }
    /// Reads what its access names.
    public static var reads: Effects { .init(rawValue: 2) }
    /// Writes what its access names.
    public static var writes: Effects { .init(rawValue: 4) }
    /// Reads and writes everything but the constant, and may trap.
    public static var calls: Effects { .init(rawValue: 8) }
    /// Ends a block.
    public static var ends: Effects { .init(rawValue: 16) }
    /// Stands in no block.
    public static var floats: Effects { .init(rawValue: 32) }
    /// Belongs where it stands: a parameter, or a further result of the call before.
    public static var stays: Effects { .init(rawValue: 64) }
    /// `a` and `b` may change places.
    public static var commutes: Effects { .init(rawValue: 128) }
}

/// What types an instruction's operands and its result have.
public enum TypeRule: UInt8, BitwiseCopyable, Sendable {
    /// Nothing is required, as of parameters.
    case any
    /// No result.
    case nothing
    case integers, floats
    /// An i64.
    case long
    /// Two integers or two references, to i32; two floats, to i32.
    case comparesIntegers, comparesFloats
    /// An i32 and two of the result's type.
    case selects
    case wraps, extends, bitcasts, promotes, demotes, converts, truncates
    case vector
    // Of vectors and numbers, as much as is the same for all instructions of the operator.
    /// A vector or a number, to another one or to a vector.
    case vectorUnary
    /// A vector, and a vector or an i32 that is the count of a shift, to a vector.
    case vectorBinary
    /// A vector to a number; a vector and a number to a vector. `c` is less than 16.
    case extractsLane, replacesLane
    /// An address: i64, and i32 or i64 if there is an index.
    case address
    /// The same, and integers of the result's type.
    case atomic
    /// One i32 and no result.
    case condition
    /// An i64 and two i32 to a reference; a reference and an i32 to an i32.
    case allocates, testsType
}

/// What the immediate of an instruction says.
public enum ImmediateRule: UInt8, BitwiseCopyable, Sendable {
    case none, integerCondition, floatCondition, access, wrapping, division
    /// A number: of a vector instruction, a trap, a function of the runtime, a result.
    case number
}

/// Of `add`, `subtract`, `multiply` and `shiftLeft`: what is known of the result.
public struct WrapFlags: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt16

    @inline(__always)
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The result, with operands taken as unsigned, is exact. So an i32 may be computed in 64
    /// bits, as part of an address.
    public static var noWrap: WrapFlags { .init(rawValue: 1) }
}

/// Of divisions: which of their traps cannot happen.
public struct DivisionFlags: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt16

    @inline(__always)
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The divisor is not 0.
    public static var notZero: DivisionFlags { .init(rawValue: 1) }
    /// The divisor is not -1, or the dividend not the smallest number.
    public static var noOverflow: DivisionFlags { .init(rawValue: 2) }
}

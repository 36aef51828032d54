/// Why compiled code stopped. The descriptions are the specification's own texts.
///
/// Specification: 4.2.1 “Results” and the texts its test suite expects.
public enum TrapCode: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    /// Not a trap.
    case none = 0
    /// The guest ran into `unreachable`.
    case unreachable
    /// An address beyond the end of a memory.
    case memoryOutOfBounds
    /// An index beyond the end of a table.
    case tableOutOfBounds
    /// `call_indirect` beyond the end of the table.
    case undefinedElement
    /// `call_indirect` of a null element.
    case uninitializedElement
    /// `call_indirect` of a function of another type.
    case indirectCallTypeMismatch
    /// An integer was divided by zero.
    case integerDivideByZero
    /// The result of a division has more bits than there are.
    case integerOverflow
    /// A number was converted to an integer that is none, or has no room for it.
    case invalidConversionToInteger
    /// The calls were too many for the stack.
    case stackExhausted
    /// A null reference where there must be none.
    case nullReference
    /// A host function threw; the error waits in the store.
    case hostError
    /// Stopped from outside, or out of time.
    case interrupted
    /// The fuel was used up.
    case outOfFuel
    /// `call_ref` of null.
    case nullFunctionReference
    /// An atomic access whose address is not a multiple of its size.
    case unalignedAtomic
    /// `memory.atomic.wait` on a memory that no other thread can have.
    case expectedSharedMemory
    /// A field of null.
    case nullStructureReference
    /// An element of null.
    case nullArrayReference
    /// The integer of null.
    case nullIntegerReference
    /// An index beyond the end of an array.
    case arrayOutOfBounds
    /// A reference of another type than the one it was cast to.
    case castFailure
    /// An object is larger than a heap may be.
    case allocationTooLarge
    /// There is no room for an object, although nothing but what is in use is kept.
    case heapExhausted
    /// `throw_ref` of null.
    case nullExceptionReference
    /// Not a trap: an exception is thrown. Those that guests do not catch wait in the store.
    case exception
}

extension TrapCode: CustomStringConvertible {
    public var description: String {
        switch self {
        case .none: "no trap"
        case .unreachable: "unreachable"
        case .memoryOutOfBounds: "out of bounds memory access"
        case .tableOutOfBounds: "out of bounds table access"
        case .undefinedElement: "undefined element"
        case .uninitializedElement: "uninitialized element"
        case .indirectCallTypeMismatch: "indirect call type mismatch"
        case .integerDivideByZero: "integer divide by zero"
        case .integerOverflow: "integer overflow"
        case .invalidConversionToInteger: "invalid conversion to integer"
        case .stackExhausted: "call stack exhausted"
        case .nullReference: "null reference"
        case .hostError: "host function failed"
        case .interrupted: "interrupted"
        case .outOfFuel: "all fuel consumed"
        case .nullFunctionReference: "null function reference"
        case .unalignedAtomic: "unaligned atomic"
        case .expectedSharedMemory: "expected shared memory"
        case .nullStructureReference: "null structure reference"
        case .nullArrayReference: "null array reference"
        case .nullIntegerReference: "null i31 reference"
        case .arrayOutOfBounds: "out of bounds array access"
        case .castFailure: "cast failure"
        case .allocationTooLarge: "allocation size too large"
        case .heapExhausted: "heap exhausted"
        case .nullExceptionReference: "null exception reference"
        case .exception: "uncaught exception"
        }
    }
}

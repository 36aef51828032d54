/// Why the reference interpreter stopped. The raw values are the specification's texts.
///
/// Specification: 4.2.1 “Results”.
public enum ReferenceTrap: String, Error, Hashable, Sendable {
    case unreachable = "unreachable"
    case memoryOutOfBounds = "out of bounds memory access"
    case tableOutOfBounds = "out of bounds table access"
    case undefinedElement = "undefined element"
    case uninitializedElement = "uninitialized element"
    case indirectCallTypeMismatch = "indirect call type mismatch"
    case integerDivideByZero = "integer divide by zero"
    case integerOverflow = "integer overflow"
    case invalidConversionToInteger = "invalid conversion to integer"
    case nullReference = "null reference"
    case nullFunctionReference = "null function reference"
    case unalignedAtomic = "unaligned atomic"
    case expectedSharedMemory = "expected shared memory"
    case nullExceptionReference = "null exception reference"
    case nullStructure = "null structure reference"
    case nullArray = "null array reference"
    case nullSmallInteger = "null i31 reference"
    case castFailure = "cast failure"
    case arrayOutOfBounds = "out of bounds array access"
    case allocationTooLarge = "allocation size too large"
    case stackExhausted = "call stack exhausted"
    case hostError = "host function failed"
    /// More instructions than the caller allowed: not a trap of WebAssembly's.
    case outOfFuel = "all fuel consumed"
}

/// An exception that nobody has caught, with what it carries.
public struct ReferenceException: Error, Hashable, Sendable, CustomStringConvertible {
    /// Each value with its type; references with their type only.
    public var description: String
}

/// Why a module could not be linked with its imports. Specification: 4.5.2.
public struct ReferenceLinkError: Error, Hashable, Sendable {
    public var message: String

    public init(_ message: String) { self.message = message }
}

/// A module uses an instruction that the reference interpreter does not have.
public struct ReferenceUnsupported: Error, Hashable, Sendable {
    public var what: String
    /// Byte offset in the module.
    public var offset: Int
}

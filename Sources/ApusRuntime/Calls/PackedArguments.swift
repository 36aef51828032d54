internal import ApusABI
public import ApusFormat

/// Which Swift types lie in memory as `ArgumentLayout.packed` says.
public enum PackedArguments {
    /// Whether `types` are numbers of Swift's, and those that the parameters of `type` are in
    /// WebAssembly, and `type` has no more than one result, no v128.
    @inlinable
    public static func areNumbers<each Argument>(
        _ types: repeat (each Argument).Type, like type: FunctionType
    ) -> Bool {
        guard canPack(type) else { return false }
        var index = 0
        for argument in repeat each types {
            guard index < type.parameters.count, number(argument) == type.parameters[index] else {
                return false
            }
            index += 1
        }
        return index == type.parameters.count
    }

    @usableFromInline
    static func canPack(_ type: FunctionType) -> Bool { ArgumentLayout.packed.fits(type) }

    @inlinable @inline(__always)
    static func number(_ type: any Any.Type) -> ValueType? {
        if type == Int32.self || type == UInt32.self { return .i32 }
        if type == Int64.self || type == UInt64.self { return .i64 }
        if type == Float.self { return .f32 }
        if type == Double.self { return .f64 }
        return nil
    }
}

/// A call's cell for the result, and after it the arguments.
///
/// The types are frozen and inlined so that a call with known types stores its arguments where
/// the entry trampoline reads them, and nothing else happens to them.
@frozen
public struct PackedFrame<Arguments> {
    /// The result's bits when the call has returned, of which the type has to say how many count.
    public var result: UInt64
    @usableFromInline var arguments: Arguments

    @inlinable @inline(__always)
    public init(_ arguments: Arguments) {
        result = 0
        self.arguments = arguments
    }
}

/// All that entering a function takes whose arguments are a tuple `Arguments`.
public struct PackedTarget<Arguments> {
    // SAFETY: made only for tuples that lie in memory as the entry trampoline expects them
    // (`PackedArguments.areNumbers`).
    @usableFromInline let target: CallTarget

    @inlinable init(_ target: CallTarget) { self.target = target }
}

extension RuntimeStore {
    /// Calls a function of this store with the arguments in `frame`, and leaves the result there.
    ///
    /// Throws `WasmTrap`, `ResourceError`, or whatever a host function threw.
    @inlinable @inline(__always)
    public func call<Arguments>(
        _ target: PackedTarget<Arguments>, _ frame: inout PackedFrame<Arguments>
    ) throws {
        // SAFETY: the frame has a cell, and after it what the target's trampoline reads.
        try unsafe withUnsafeMutablePointer(to: &frame) { frame in
            try unsafe call(
                target.target,
                cells: UnsafeMutableRawPointer(frame).assumingMemoryBound(to: UInt64.self))
        }
    }
}

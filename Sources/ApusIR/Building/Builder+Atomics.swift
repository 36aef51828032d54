internal import ApusCollections

/// Accesses of memories that other threads may have: what was read before them is not known to be
/// there still.
extension Builder {
    /// What an atomic access may show of what others have done.
    private static var shared: AliasSet { [.init(.memory), .init(.memorySize)] }

    /// What is at `base` + `index` + `displacement`; `index` may be missing.
    public mutating func atomicLoad(
        _ type: IRType, _ access: MemoryAccess, _ base: Value, _ index: Value,
        _ displacement: Int32
    ) -> Value {
        let value = append(
            Instruction(
                .atomicLoad, type, immediate: access.bits, a: base.number, b: index.number,
                c: UInt32(bitPattern: displacement)))
        invalidate(Self.shared)
        return value
    }

    /// What was there before `operation` has stored `value`, or what it makes of that; of
    /// `atomicCompareExchange` if `expected` was there.
    @discardableResult
    public mutating func atomicUpdate(
        _ operation: Operator, _ access: MemoryAccess, _ value: Value, expected: Value = .none,
        _ base: Value, _ index: Value, _ displacement: Int32
    ) -> Value {
        let place = function.pool.count
        function.pool.append(value.number)
        function.pool.append(UInt32(bitPattern: displacement))
        if !expected.isNone { function.pool.append(expected.number) }
        let old = append(
            Instruction(
                operation, function.type(value), immediate: access.bits, a: base.number,
                b: index.number, c: UInt32(truncatingIfNeeded: place)))
        invalidate(Self.shared)
        return old
    }

    /// Orders what is before it and what is behind it.
    public mutating func fence() {
        append(Instruction(.fence, .none))
        invalidate(Self.shared)
    }

    /// The sizes of memories are to be read anew: other threads may have changed them.
    public mutating func forgetSizes() { invalidate([.init(.memorySize)]) }
}

internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Calls (4.6.11).
extension FunctionTranslator {
    mutating func translateCall() {
        let index = reader.readIndex()
        let signature = signatures.ofFunction(Int(index))
        guard Int(index) < module.importedFunctionCount else {
            return callOwn(Int(index), signature)
        }
        let record = UInt32(bitPattern: layout.functionImport(Int(index)))
        call(.callImport, callee: record, signature)
    }

    mutating func translateCallIndirect() {
        let typeIndex = Int(reader.readIndex())
        guard let element = element(Int(reader.readIndex())) else { return }
        call(.element(element, typeIndex))
    }

    /// The record of the function in the table whose index is on top of the stack. Nil if there
    /// never is one.
    private mutating func element(_ table: Int) -> Value? {
        guard let address = address(ofElement: pop(), table, trap: .undefinedElement) else {
            return nil
        }
        return builder.load(.i64, MemoryAccess(.full, .table), address.base, address.index)
    }

    /// Whether the function with that record is of that type, otherwise it traps; false if it never
    /// is.
    mutating func check(_ element: Value, _ typeIndex: Int) -> Bool {
        // Null has no record: reading it faults.
        let signature = builder.load(
            .i32,
            MemoryAccess(
                .full, .constant, trapCode: TrapCode.uninitializedElement.rawValue),
            element, .none, FuncrefField.signature)
        let expected = builder.load(
            .i32, contextLoad(), builder.context(), .none, layout.signature(typeIndex))
        let found =
            signatures.place(typeIndex).isFinal
            ? signature
            : supertype(of: signature, at: Int(signatures.place(typeIndex).depth))
        let differs = builder.value(
            ApusIR.Instruction(
                .compare, .i32, expected, found,
                immediate: IntegerCondition.notEqual.rawValue))
        return trap(.indirectCallTypeMismatch, if: differs)
    }

    /// The id of the supertype at `depth`, from the top, of the type with the id `id`; 0 if there
    /// is none.
    private mutating func supertype(of id: Value, at depth: Int) -> Value {
        let store = builder.load(
            .i64, contextLoad(), builder.context(), .none, ContextField.storeContext)
        let types = builder.load(.i64, contextLoad(), store, .none, StoreField.types)
        let slot = builder.value(
            ApusIR.Instruction(
                .and, .i32, id, builder.constant(.i32, UInt64(TypeField.slotMask))))
        let distance = builder.value(
            ApusIR.Instruction(
                .shiftLeft, .i64, builder.value(ApusIR.Instruction(.extendUnsigned, .i64, slot)),
                builder.constant(.i64, UInt64(TypeField.recordSizeLog2))))
        let record = builder.value(ApusIR.Instruction(.add, .i64, types, distance))
        let supertype = TypeField.supertype(atDepth: depth)
        let display =
            supertype.isFar
            ? builder.load(.i64, contextLoad(), record, .none, TypeField.far) : record
        return builder.load(.i32, contextLoad(), display, .none, supertype.offset)
    }

    mutating func translateCallRef() {
        let typeIndex = Int(reader.readIndex())
        call(.reference(builder.value(ApusIR.Instruction(.bitcast, .i64, pop())), typeIndex))
    }

    /// Moves the `count` values on top of the stack to the pool.
    private mutating func passArguments(_ count: Int) {
        let start = stack.count &- count
        for place in start..<stack.count { builder.function.pool.append(stack[place].number) }
        stack.truncate(to: start)
    }

    mutating func call(
        _ operation: Operator, callee: UInt32, trap: TrapCode = .none, _ signature: FlatSignature
    ) {
        passArguments(Int(signature.parameterCount))
        if frames.last.catching >= 0 {
            return tryCall(
                operation.catching, callee: callee, immediate: UInt16(trap.rawValue),
                count: Int(signature.parameterCount), signature)
        }
        let first = Int(signature.resultStart)
        let count = Int(signature.resultCount)
        let call = builder.call(
            operation, count == 0 ? .none : IRType(signatures.types[first]), callee: callee,
            immediate: UInt16(trap.rawValue), count: Int(signature.parameterCount), changing: .all)
        if count > 0 { push(call) }
        for result in 1..<max(count, 1) {
            push(builder.result(result, IRType(signatures.types[first &+ result]), of: call))
        }
    }

    mutating func translateReturnCall() {
        if inlineFrame >= 0 { return leaveInlined { $0.translateCall() } }
        let index = reader.readIndex()
        let signature = signatures.ofFunction(Int(index))
        guard Int(index) >= module.importedFunctionCount else {
            // Its record begins as that of a function value.
            let place = UInt64(UInt32(bitPattern: layout.functionImport(Int(index))))
            let record = builder.value(
                ApusIR.Instruction(
                    .add, .i64, builder.context(), builder.constant(.i64, place)))
            return tailCall(record, signature)
        }
        let count = Int(signature.parameterCount)
        passArguments(count)
        endBlock(
            ApusIR.Instruction(
                .tailCall, .none, a: index,
                b: UInt32(truncatingIfNeeded: builder.function.pool.count &- count),
                c: UInt32(truncatingIfNeeded: count)))
    }

    mutating func translateReturnCallIndirect() {
        if inlineFrame >= 0 { return leaveInlined { $0.translateCallIndirect() } }
        let typeIndex = Int(reader.readIndex())
        guard let element = element(Int(reader.readIndex())) else { return }
        tailCallUsual(.element(element, typeIndex))
        guard check(element, typeIndex) else { return }
        tailCall(element, signatures[typeIndex])
    }

    mutating func translateReturnCallRef() {
        if inlineFrame >= 0 { return leaveInlined { $0.translateCallRef() } }
        let typeIndex = Int(reader.readIndex())
        let reference = builder.value(ApusIR.Instruction(.bitcast, .i64, pop()))
        tailCallUsual(.reference(reference, typeIndex))
        tailCall(reference, trap: .nullFunctionReference, signatures[typeIndex])
    }

    /// A callee's tail call, where the callee has been taken in, is a call: its frame is not there
    /// to be replaced. Its clauses are not there either to catch what that throws.
    private mutating func leaveInlined(_ call: (inout Self) -> Void) {
        let catching = frames.last.catching
        frames.last.catching = frames[inlineFrame].catching
        call(&self)
        if isRefused { return }
        frames.last.catching = catching
        if isReachable { translateReturn() }
    }

    /// Leaves the function for the one whose record is at `callee`.
    private mutating func tailCall(
        _ callee: Value, trap: TrapCode = .none, _ signature: FlatSignature
    ) {
        let count = Int(signature.parameterCount)
        passArguments(count)
        endBlock(
            ApusIR.Instruction(
                .tailCallFar, .none, immediate: UInt16(trap.rawValue), a: callee.number,
                b: UInt32(truncatingIfNeeded: builder.function.pool.count &- count),
                c: UInt32(truncatingIfNeeded: count)))
    }

    /// Calls a function of the runtime with constants, then the `operands` on top of the stack.
    mutating func callRuntime(
        _ function: RuntimeFunction, _ leading: InlineNumbers, operands: Int,
        result: IRType = .none, changing set: AliasSet
    ) {
        for place in 0..<leading.count {
            let number = builder.constant(.i32, UInt64(leading[place]))
            builder.function.pool.append(number.number)
        }
        passArguments(operands)
        let call = builder.call(
            .callRuntime, result, callee: 0, immediate: UInt16(function.rawValue),
            count: leading.count &+ operands, changing: set)
        if result != .none { push(call) }
    }

    /// One or two numbers, in no array.
    struct InlineNumbers: ExpressibleByArrayLiteral {
        private var first: UInt32
        private var second: UInt32
        let count: Int

        init(arrayLiteral elements: UInt32...) {
            first = elements.first ?? 0
            second = elements.last ?? 0
            count = elements.count
        }

        subscript(place: Int) -> UInt32 { place == 0 ? first : second }
    }
}

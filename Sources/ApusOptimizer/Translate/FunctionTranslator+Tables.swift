internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Globals, tables and references (4.6.2 to 4.6.4, 4.6.6).
extension FunctionTranslator {
    // MARK: Globals

    /// How global `index` is reached.
    private mutating func address(ofGlobal index: Int) -> MemoryAddress {
        if index < module.importedGlobalCount {
            let address = builder.load(
                .i64, contextLoad(), builder.context(), .none, layout.globalImport(index))
            return MemoryAddress(base: address, index: .none, displacement: 0)
        }
        return MemoryAddress(
            base: builder.context(), index: .none, displacement: layout.global(index))
    }

    mutating func translateGlobalGet() {
        let index = Int(reader.readIndex())
        let global = module.globals[index]
        let address = address(ofGlobal: index)
        push(
            builder.load(
                IRType(global.value),
                MemoryAccess(.full, global.isMutable ? .global : .constant), address.base, .none,
                address.displacement))
    }

    mutating func translateGlobalSet() {
        let index = Int(reader.readIndex())
        let value = pop()
        let address = address(ofGlobal: index)
        builder.store(
            value, MemoryAccess(.full, .global), address.base, .none, address.displacement)
    }

    // MARK: Tables

    private mutating func record(ofTable table: Int) -> (base: Value, displacement: Int32) {
        if table < module.importedTableCount {
            let record = builder.load(
                .i64, contextLoad(), builder.context(), .none, layout.tableImport(table))
            return (record, 0)
        }
        return (builder.context(), layout.table(table))
    }

    /// How many elements `table` has now.
    mutating func count(ofTable table: Int) -> Value {
        let limits = module.tables[table].limits
        if limits.maximum == limits.minimum { return builder.constant(.i64, limits.minimum) }
        let record = record(ofTable: table)
        return builder.load(
            .i64, MemoryAccess(.full, .tableRecord), record.base, .none,
            record.displacement &+ 8)
    }

    /// Where element `index` of `table` is, checked. Nil if there never is such an element.
    mutating func address(
        ofElement index: Value, _ table: Int, trap code: TrapCode
    ) -> MemoryAddress? {
        let index = wide(index)
        let isOutside = builder.value(
            ApusIR.Instruction(
                .compare, .i32, index, count(ofTable: table),
                immediate: IntegerCondition.greaterOrEqualUnsigned.rawValue))
        guard trap(code, if: isOutside) else { return nil }
        return elements(index, table, unless: isOutside)
    }

    /// Where the element at `index` of `table` is; of the first one if `isOutside`, where the
    /// processor goes on with a wrong index before it knows.
    mutating func elements(
        _ index: Value, _ table: Int, unless isOutside: Value
    ) -> MemoryAddress {
        let masked = builder.value(
            ApusIR.Instruction(.select, .i64, isOutside, builder.constant(.i64, 0), index))
        let record = record(ofTable: table)
        let elements = builder.load(
            .i64, MemoryAccess(.full, .tableRecord), record.base, .none, record.displacement)
        let distance = builder.value(
            ApusIR.Instruction(.shiftLeft, .i64, masked, builder.constant(.i64, 3)))
        return MemoryAddress(base: elements, index: distance, displacement: 0)
    }

    mutating func translateTableGet() {
        let table = Int(reader.readIndex())
        guard let address = address(ofElement: pop(), table, trap: .tableOutOfBounds) else {
            return
        }
        push(builder.load(.ref, MemoryAccess(.full, .table), address.base, address.index))
    }

    mutating func translateTableSet() {
        let table = Int(reader.readIndex())
        let value = pop()
        guard let address = address(ofElement: pop(), table, trap: .tableOutOfBounds) else {
            return
        }
        builder.store(value, MemoryAccess(.full, .table), address.base, address.index)
    }

    mutating func translateTableSize() {
        let table = Int(reader.readIndex())
        let count = count(ofTable: table)
        push(IRType(module.tables[table].address) == .i64 ? count : narrow(count))
    }

    /// The limiter is asked, which may do anything to the store but call its guests.
    mutating func translateTableGrow() {
        let table = reader.readIndex()
        callRuntime(
            .tableGrow, [table], operands: 2, result: IRType(module.tables[Int(table)].address),
            changing: .all)
    }

    // MARK: References

    mutating func translateRefNull() {
        _ = reader.readHeapType()
        push(builder.constant(.ref, 0))
    }

    mutating func translateRefFunc() { push(function(reader.readIndex())) }

    mutating func translateRefIsNull() { push(isNull(pop(), .equal)) }

    mutating func translateRefAsNonNull() {
        _ = trap(.nullReference, if: isNull(stack.last, .equal))
    }

    mutating func isNull(_ reference: Value, _ condition: IntegerCondition) -> Value {
        let null = builder.constant(.ref, 0)
        return builder.value(
            ApusIR.Instruction(.compare, .i32, reference, null, immediate: condition.rawValue))
    }

    /// A reference to a function whose value can be taken.
    private mutating func function(_ index: UInt32) -> Value {
        guard let address = record(ofFunction: index) else { return builder.constant(.ref, 0) }
        return builder.value(ApusIR.Instruction(.bitcast, .ref, address))
    }

    /// The address of the record of function `index`; nil if its value cannot be taken.
    mutating func record(ofFunction index: UInt32) -> Value? {
        let escaping = module.escapingFunctions
        var low = 0
        var high = escaping.count
        while low < high {
            let middle = (low + high) / 2
            if escaping[middle] < index { low = middle + 1 } else { high = middle }
        }
        guard low < escaping.count, escaping[low] == index else { return nil }
        let distance = builder.constant(.i64, UInt64(layout.funcref(low)))
        return builder.value(ApusIR.Instruction(.add, .i64, builder.context(), distance))
    }

    /// Branches without the reference if it is null, else goes on with it.
    mutating func translateBrOnNull() {
        let depth = Int(reader.readIndex())
        let reference = pop()
        branch(to: depth, if: isNull(reference, .equal))
        if isReachable { push(reference) }
    }

    /// Branches with the reference if it is not null, else goes on without it.
    mutating func translateBrOnNonNull() {
        let depth = Int(reader.readIndex())
        branch(to: depth, if: isNull(stack.last, .notEqual))
        if isReachable { _ = pop() }
    }
}

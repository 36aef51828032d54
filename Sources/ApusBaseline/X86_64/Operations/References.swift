internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// References and tables (4.6.2, 4.6.4). A reference is 8 bytes, null is 0.
extension BaselineCompiler {
    mutating func translateRefNull() {
        _ = reader.readHeapType()
        push(.constant(.reference, 0))
    }

    mutating func translateRefIsNull(_ analysis: borrowing BodyAnalysis) {
        compareWithZero(.reference, .e, analysis)
    }

    mutating func translateRefFunc() {
        let function = reader.readIndex()
        let result = allocateGeneral()
        let ordinal = ordinalOfEscapingFunction(function)
        code.lea(.w64, result, Address(CallingConvention.context, layout.funcref(ordinal)))
        push(.reference, result)
    }

    /// The function's place among those whose value can be taken, or the next one's if it is none
    /// of them: a binary search.
    mutating func ordinalOfEscapingFunction(_ function: UInt32) -> Int {
        var low = 0
        var high = module.escapingFunctions.count
        while low < high {
            let middle = (low + high) / 2
            if module.escapingFunctions[middle] < function {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    // MARK: Null

    /// Sets flags: equal if the reference is null, which it is not known to be.
    private mutating func compareWithNull(_ operand: Operand) {
        if let address = frameAddress(operand) {
            code.alu(.cmp, .w64, address, immediate: 0)
        } else {
            let value = take(operand)
            code.test(.w64, value.register, value.register)
            // A register of the operand's own stays its.
            if operand.kind != .register { release(value) }
        }
    }

    mutating func translateRefAsNonNull() {
        let operand = pop()
        if operand.isConstant {
            markSite(.nullReference)
            code.ud2()
            return skip()
        }
        compareWithNull(operand)
        trap(.nullReference, if: .e)
        push(operand)
    }

    /// Branches without the reference if it is null, else goes on with it.
    mutating func translateBrOnNull() {
        let depth = Int(reader.readIndex())
        if stack.last.isConstant {
            _ = pop()
            countWay(0, ofBranchAt: instructionOffset)
            emitBranch(depth)
            return skip()
        }
        // What the branch carries may take any register.
        if frames[frames.count &- 1 &- depth].labelArity > 0 { spill(stack.count &- 1) }
        let operand = pop()
        compareWithNull(operand)
        emitReferenceBranch(depth, if: .flag(.e))
        push(operand)
    }

    /// Branches with the reference if it is not null, else goes on without it.
    mutating func translateBrOnNonNull() {
        let depth = Int(reader.readIndex())
        if !stack.last.isConstant {
            compareWithNull(stack.last)
            emitReferenceBranch(depth, if: .flag(.ne))
        }
        discard(pop())
    }

    private mutating func emitReferenceBranch(_ depth: Int, if condition: FlagCondition) {
        if countsBlocks {
            emitCountedBranch(depth, if: condition, at: instructionOffset)
        } else {
            emitBranch(depth, if: condition)
        }
    }

    // MARK: Tables

    /// A register through which the record of `table` is reached, and its displacement.
    mutating func tableRecord(_ table: Int) -> (base: GPR, displacement: Int32) {
        if table < module.importedTableCount {
            code.load(
                .w64, CallingConvention.scratch,
                Address(CallingConvention.context, layout.tableImport(table)))
            return (CallingConvention.scratch, 0)
        }
        return (CallingConvention.context, layout.table(table))
    }

    /// Checks `index` against the table's size and loads the address of its elements into the
    /// scratch. The result, a register to be freed, is the index, or 0 where the processor goes on
    /// with a wrong one before it knows.
    mutating func loadElements(_ table: Int, _ index: GPR, trap code: TrapCode) -> GPR {
        let masked = allocateGeneral()
        let record = tableRecord(table)
        self.code.zero(masked)
        self.code.alu(.cmp, .w64, index, Address(record.base, record.displacement &+ 8))
        trap(code, if: .ae)
        self.code.cmov(.b, .w64, masked, index)
        self.code.load(
            .w64, CallingConvention.scratch, Address(record.base, record.displacement))
        return masked
    }

    mutating func translateTableGet() {
        let table = Int(reader.readIndex())
        let index = take(pop())
        let masked = loadElements(table, index.register, trap: .tableOutOfBounds)
        code.load(
            .w64, masked, Address(CallingConvention.scratch, index: masked, scale: 8))
        release(index)
        push(.reference, masked)
    }

    mutating func translateTableSet() {
        let table = Int(reader.readIndex())
        let value = take(pop())
        let index = take(pop())
        let masked = loadElements(table, index.register, trap: .tableOutOfBounds)
        code.store(
            .w64, Address(CallingConvention.scratch, index: masked, scale: 8), value.register)
        free(masked)
        release(value)
        release(index)
    }

    mutating func translateTableSize() {
        let table = Int(reader.readIndex())
        let result = generalDestination()
        let record = tableRecord(table)
        code.load(.w64, result.general, Address(record.base, record.displacement &+ 8))
        finish(result, ValueClass(module.tables[table].address))
    }

    mutating func translateTableGrow() {
        let table = reader.readIndex()
        callRuntime(
            .tableGrow, leading: [table], operands: 2,
            result: ValueClass(module.tables[Int(table)].address))
    }

    mutating func translateTableFill() {
        let table = layout.tablePlace(Int(reader.readIndex()))
        callRuntime(.tableFill, leading: [table], operands: 3, result: nil)
    }

    mutating func translateTableCopy() {
        let destination = layout.tablePlace(Int(reader.readIndex()))
        let source = layout.tablePlace(Int(reader.readIndex()))
        callRuntime(.tableCopy, leading: [destination, source], operands: 3, result: nil)
    }

    mutating func translateTableInit() {
        let segment = layout.elementPlace(Int(reader.readIndex()))
        let table = layout.tablePlace(Int(reader.readIndex()))
        callRuntime(.tableCopy, leading: [table, segment], operands: 3, result: nil)
    }

    mutating func translateElementDrop() {
        callRuntime(.elementDrop, leading: [reader.readIndex()], operands: 0, result: nil)
    }
}

internal import ApusCollections
internal import ApusFormat

/// Executes reference code, one instruction after the other. Specification: 4.6.
///
/// Everything lies on explicit stacks, so that deep recursion of the guest is no recursion here.
final class ReferenceMachine {
    let store: ReferenceStore
    /// Operands, with the locals of each frame below its operands.
    var stack: [ModelVector] = []
    var labels: [Label] = []
    var frames: [Frame] = []

    /// Where a branch goes and what it leaves on the stack. Specification: 4.2.15.
    struct Label {
        var target: Int
        var arity: Int
        /// Height of the stack below the values that the branch carries.
        var height: Int
        var isLoop: Bool
        /// Of a `try_table`.
        var clauses: [ReferenceCode.Clause] = []
    }

    struct Frame {
        var instance: ReferenceInstance
        var code: ReferenceCode
        var resultCount: Int
        /// Position of the next instruction.
        var position = 0
        /// Where the frame's locals and labels start.
        var base: Int
        var labelBase: Int
    }

    init(_ store: ReferenceStore) { self.store = store }

    func push(_ bits: UInt64) { stack.append(ModelVector(low: bits)) }

    func push(_ vector: ModelVector) { stack.append(vector) }

    func pop() -> UInt64 { stack.removeLast().low }

    func popVector() -> ModelVector { stack.removeLast() }

    func pop32() -> UInt32 { UInt32(truncatingIfNeeded: stack.removeLast().low) }

    /// Calls the function at `address` and runs until it has returned.
    func run(_ address: Int) throws {
        try call(address)
        while !frames.isEmpty {
            let position = frames[frames.count - 1].position
            frames[frames.count - 1].position = position + 1
            try execute(frames[frames.count - 1].code.instructions[position])
        }
    }

    // MARK: Calls

    private func call(_ address: Int) throws {
        let function = store.functions[address]
        switch function.body {
        case .host(let body):
            let start = stack.count - function.type.parameters.count
            let arguments = zip(stack[start...], function.type.parameters).map {
                store.value($0, $1)
            }
            stack.removeSubrange(start...)
            for result in try body(arguments) { push(result.cell) }
        case .wasm(let instance, let code):
            if frames.count >= store.callDepthLimit { throw ReferenceTrap.stackExhausted }
            frames.append(
                Frame(
                    instance: instance, code: code, resultCount: function.type.results.count,
                    base: stack.count - function.type.parameters.count, labelBase: labels.count))
            stack.append(contentsOf: repeatElement(ModelVector(), count: code.locals.count))
        }
    }

    /// The address of the function that an indirect call means.
    private func callee(
        type typeIndex: Int, table: Int, in instance: ReferenceInstance
    ) throws -> Int {
        let elements = store.tables[instance.tables[table]].elements
        let index = pop()
        guard index < UInt64(elements.count) else { throw ReferenceTrap.undefinedElement }
        let element = elements[Int(index)]
        guard element != 0 else { throw ReferenceTrap.uninitializedElement }
        let address = Int(element - 1)
        let number = store.functions[address].typeNumber
        guard store.isSubtype(number, of: instance.types.numbers[typeIndex]) else {
            throw ReferenceTrap.indirectCallTypeMismatch
        }
        return address
    }

    /// The address of the function that the reference on the stack is to.
    private func referredCallee() throws -> Int {
        let reference = pop()
        guard reference != 0 else { throw ReferenceTrap.nullFunctionReference }
        return Int(reference - 1)
    }

    /// Calls with the arguments on the stack, in place of the present frame.
    private func tailCall(_ address: Int) throws {
        let frame = frames.removeLast()
        keep(store.functions[address].type.parameters.count, above: frame.base)
        labels.removeSubrange(frame.labelBase...)
        try call(address)
    }

    private func executeCall(_ instruction: ReferenceCode.Instruction) throws {
        let first = Int(truncatingIfNeeded: instruction.first)
        let instance = frames[frames.count - 1].instance
        let table = Int(truncatingIfNeeded: instruction.second)
        switch instruction.operation {
        case .call: try call(instance.functions[first])
        case .callRef: try call(referredCallee())
        case .callIndirect: try call(callee(type: first, table: table, in: instance))
        case .returnCall: try tailCall(instance.functions[first])
        case .returnCallRef: try tailCall(referredCallee())
        default: try tailCall(callee(type: first, table: table, in: instance))
        }
    }

    private func returnFromFrame() {
        let frame = frames.removeLast()
        keep(frame.resultCount, above: frame.base)
        labels.removeSubrange(frame.labelBase...)
    }

    /// Removes what lies between `height` and the topmost `count` values.
    private func keep(_ count: Int, above height: Int) {
        stack.removeSubrange(height..<stack.count - count)
    }

    // MARK: Control

    private func jump(to position: Int) { frames[frames.count - 1].position = position }

    func branch(_ depth: Int) {
        let index = labels.count - 1 - depth
        guard index >= frames[frames.count - 1].labelBase else { return returnFromFrame() }
        let label = labels[index]
        keep(label.arity, above: label.height)
        labels.removeSubrange((label.isLoop ? index + 1 : index)...)
        jump(to: label.target)
    }

    private func enter(_ instruction: ReferenceCode.Instruction, isLoop: Bool) {
        let height = stack.count - instruction.parameterCount
        labels.append(
            Label(
                target: isLoop ? frames[frames.count - 1].position : instruction.afterEnd,
                arity: isLoop ? instruction.parameterCount : instruction.resultCount,
                height: height, isLoop: isLoop))
    }

    private func executeIf(_ instruction: ReferenceCode.Instruction) {
        if pop32() != 0 {
            enter(instruction, isLoop: false)
        } else if instruction.afterElse > 0 {
            enter(instruction, isLoop: false)
            jump(to: instruction.afterElse)
        } else {
            jump(to: instruction.afterEnd)
        }
    }

    private func executeEnd() {
        if labels.count > frames[frames.count - 1].labelBase {
            labels.removeLast()
        } else {
            returnFromFrame()
        }
    }

    private func execute(_ instruction: ReferenceCode.Instruction) throws {
        if store.fuel <= 0 { throw ReferenceTrap.outOfFuel }
        store.fuel -= 1
        pay(for: instruction)
        if store.countsRuns { count(instruction) }
        let first = Int(truncatingIfNeeded: instruction.first)
        switch instruction.operation {
        case .unreachable: throw ReferenceTrap.unreachable
        case .nop: break
        case .block: enter(instruction, isLoop: false)
        case .loop: enter(instruction, isLoop: true)
        case .tryTable:
            enter(instruction, isLoop: false)
            labels[labels.count - 1].clauses = frames[frames.count - 1].code.clauses[first]
        case .throw: try throwNew(first)
        case .throwRef: try throwReferred()
        case .if: executeIf(instruction)
        case .else:
            labels.removeLast()
            jump(to: instruction.afterEnd)
        case .end: executeEnd()
        case .br: branch(first)
        case .brIf: if pop32() != 0 { branch(first) }
        case .brTable:
            let targets = frames[frames.count - 1].code.branchTables[first]
            branch(Int(targets[min(Int(pop32()), targets.count - 1)]))
        case .brOnNull:
            if stack[stack.count - 1].low == 0 {
                _ = pop()
                branch(first)
            }
        case .brOnNonNull:
            if stack[stack.count - 1].low != 0 { branch(first) } else { _ = pop() }
        case .brOnCast: if isCast(instruction, frames[frames.count - 1].instance) { branch(first) }
        case .brOnCastFail:
            if !isCast(instruction, frames[frames.count - 1].instance) { branch(first) }
        case .return: returnFromFrame()
        case .call, .callRef, .callIndirect, .returnCall, .returnCallRef, .returnCallIndirect:
            try executeCall(instruction)
        default:
            let sizeCost = sizeCost(instruction)
            try executeData(instruction, frames[frames.count - 1].instance)
            // No table has so many elements.
            let hasFailed =
                instruction.operation == .tableGrow && stack[stack.count - 1].low >= 0xFFFF_FFFF
            if !hasFailed { store.spentFuel += sizeCost }
        }
    }

    private func count(_ instruction: ReferenceCode.Instruction) {
        let instance = frames[frames.count - 1].instance
        let place = ReferenceStore.InstructionPlace(
            instance: ObjectIdentifier(instance), offset: instruction.offset)
        store.runs[place, default: 0] += 1
    }

    // MARK: Variables and numbers

    private func executeData(
        _ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance
    ) throws {
        let first = Int(truncatingIfNeeded: instruction.first)
        switch instruction.operation {
        case .drop: _ = pop()
        case .select, .selectTyped:
            let condition = pop32()
            let second = popVector()
            if condition == 0 { stack[stack.count - 1] = second }
        case .localGet: push(stack[frames[frames.count - 1].base + first])
        case .localSet: stack[frames[frames.count - 1].base + first] = popVector()
        case .localTee: stack[frames[frames.count - 1].base + first] = stack[stack.count - 1]
        case .globalGet: push(store.globals[instance.globals[first]].cell)
        case .globalSet: store.globals[instance.globals[first]].cell = popVector()
        case .refNull: push(0)
        case .refFunc: push(UInt64(instance.functions[first]) + 1)
        case .refIsNull: push(pop() == 0 ? 1 : 0)
        case .refAsNonNull:
            if stack[stack.count - 1].low == 0 { throw ReferenceTrap.nullReference }
        case .i32Const, .i64Const, .f32Const, .f64Const: push(instruction.first)
        case .unary(let type, let operation):
            push(ReferenceArithmetic.unary(type, operation, pop()))
        case .binary(let type, let operation):
            let right = pop()
            let left = pop()
            push(try ReferenceArithmetic.binary(type, operation, left, right))
        case .test: push(pop() == 0 ? 1 : 0)
        case .compare(let type, let comparison):
            let right = pop()
            let left = pop()
            push(ReferenceArithmetic.compare(type, comparison, left, right) ? 1 : 0)
        case .convert(let conversion):
            push(try ReferenceArithmetic.convert(conversion, pop()))
        case .wide(let operation): executeWide(operation)
        case .load, .store, .memorySize, .memoryGrow, .memoryFill, .memoryCopy, .memoryInit,
            .dataDrop, .tableGet, .tableSet, .tableSize, .tableGrow, .tableFill, .tableCopy,
            .tableInit, .elementDrop:
            try executeStorage(instruction, instance)
        case .atomicNotify, .atomicWait, .atomicFence, .atomicLoad, .atomicStore,
            .atomicReadModifyWrite, .atomicCompareExchange:
            try executeAtomic(instruction, instance)
        case .structNew, .structGet, .structSet, .arrayNew, .arrayNewFixed, .arrayNewData,
            .arrayNewElement, .arrayGet, .arraySet, .arrayLength, .arrayFill, .arrayCopy,
            .arrayInitData, .arrayInitElement, .refEq, .refTest, .refCast, .refI31, .i31Get,
            .anyConvertExtern, .externConvertAny:
            try executeAggregate(instruction, instance)
        default:
            try executeVector(instruction, instance)
        }
    }

    /// Results of two words, the lower one first.
    private func executeWide(_ operation: WideOperator) {
        func popPair() -> ModelVector {
            let high = pop()
            return ModelVector(low: pop(), high: high)
        }
        let right = popPair()
        let result: ModelVector
        switch operation {
        case .add128:
            let left = popPair()
            let (low, carry) = left.low.addingReportingOverflow(right.low)
            result = ModelVector(low: low, high: left.high &+ right.high &+ (carry ? 1 : 0))
        case .subtract128:
            let left = popPair()
            let (low, borrow) = left.low.subtractingReportingOverflow(right.low)
            result = ModelVector(low: low, high: left.high &- right.high &- (borrow ? 1 : 0))
        case .multiplySigned:
            let product = Int64(bitPattern: right.low)
                .multipliedFullWidth(by: Int64(bitPattern: right.high))
            result = ModelVector(low: product.low, high: UInt64(bitPattern: product.high))
        case .multiplyUnsigned:
            let product = right.low.multipliedFullWidth(by: right.high)
            result = ModelVector(low: product.low, high: product.high)
        }
        push(result.low)
        push(result.high)
    }
}

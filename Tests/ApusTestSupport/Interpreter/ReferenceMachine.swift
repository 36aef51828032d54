internal import ApusFormat

/// Executes reference code, one instruction after the other. Specification: 4.6.
///
/// Everything lies on explicit stacks, so that deep recursion of the guest is no recursion here.
final class ReferenceMachine {
    let store: ReferenceStore
    /// Operands, with the locals of each frame below its operands.
    var stack: [UInt64] = []
    private var labels: [Label] = []
    private var frames: [Frame] = []

    /// Where a branch goes and what it leaves on the stack. Specification: 4.2.15.
    private struct Label {
        var target: Int
        var arity: Int
        /// Height of the stack below the values that the branch carries.
        var height: Int
        var isLoop: Bool
    }

    private struct Frame {
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

    func push(_ cell: UInt64) { stack.append(cell) }

    func pop() -> UInt64 { stack.removeLast() }

    func pop32() -> UInt32 { UInt32(truncatingIfNeeded: stack.removeLast()) }

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
                ReferenceValue(cell: $0, type: $1)
            }
            stack.removeSubrange(start...)
            for result in try body(arguments) { push(result.cell) }
        case .wasm(let instance, let code):
            if frames.count >= store.callDepthLimit { throw ReferenceTrap.stackExhausted }
            frames.append(
                Frame(
                    instance: instance, code: code, resultCount: function.type.results.count,
                    base: stack.count - function.type.parameters.count, labelBase: labels.count))
            stack.append(contentsOf: repeatElement(0, count: code.locals.count))
        }
    }

    private func callIndirect(type typeIndex: Int, table: Int, in instance: ReferenceInstance)
        throws
    {
        let elements = store.tables[instance.tables[table]].elements
        let index = Int(pop32())
        guard index < elements.count else { throw ReferenceTrap.undefinedElement }
        guard elements[index] != 0 else { throw ReferenceTrap.uninitializedElement }
        let address = Int(elements[index] - 1)
        guard store.functions[address].type == instance.module.types[typeIndex] else {
            throw ReferenceTrap.indirectCallTypeMismatch
        }
        try call(address)
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

    private func branch(_ depth: Int) {
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
        pay(for: instruction.operation)
        let first = Int(truncatingIfNeeded: instruction.first)
        switch instruction.operation {
        case .unreachable: throw ReferenceTrap.unreachable
        case .nop: break
        case .block: enter(instruction, isLoop: false)
        case .loop: enter(instruction, isLoop: true)
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
        case .return: returnFromFrame()
        case .call: try call(frames[frames.count - 1].instance.functions[first])
        case .callIndirect:
            let instance = frames[frames.count - 1].instance
            try callIndirect(type: first, table: Int(instruction.second), in: instance)
        default:
            let sizeCost = sizeCost(of: instruction.operation)
            try executeData(instruction, frames[frames.count - 1].instance)
            let hasFailed = instruction.operation == .tableGrow && stack.last == 0xFFFF_FFFF
            if !hasFailed { store.spentFuel += sizeCost }
        }
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
            let second = pop()
            if condition == 0 { stack[stack.count - 1] = second }
        case .localGet: push(stack[frames[frames.count - 1].base + first])
        case .localSet: stack[frames[frames.count - 1].base + first] = pop()
        case .localTee: stack[frames[frames.count - 1].base + first] = stack[stack.count - 1]
        case .globalGet: push(store.globals[instance.globals[first]].cell)
        case .globalSet: store.globals[instance.globals[first]].cell = pop()
        case .refNull: push(0)
        case .refFunc: push(UInt64(instance.functions[first]) + 1)
        case .refIsNull: push(pop() == 0 ? 1 : 0)
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
        default:
            try executeStorage(instruction, instance)
        }
    }
}

internal import ApusFormat

/// Makes one valid function body that surely ends.
///
/// Expressions leave one value, statements none; both may come while other values wait on the
/// stack. Loops end because each has a counter of its own that every branch back decrements.
struct FunctionGenerator {
    let shape: ModuleShape
    /// The function's index, and its type.
    let index: Int
    let type: FunctionType
    var choices: ChoiceSource
    var code: BinaryWriter
    /// Types of all locals, parameters first. Grows while the body is made.
    var locals: [ValueType]
    /// The locals that statements may assign: not loop counters, and not anchors.
    var assignable: [Int] = []
    /// What is repeated over and over in this function.
    var repeats = Repeats()
    /// Labels in scope, the innermost last. The first is the function's own.
    var labels: [Label]
    /// How many more instructions the body may have, roughly.
    var budget: Int
    /// Locals that NaNs are made canonical in.
    private var canonicalizers: [ValueType: Int] = [:]
    /// Locals in which references are for a moment.
    private var scratchLocals: [ValueType: Int] = [:]

    struct Label {
        /// Types of the values that a branch to it carries.
        var types: [ValueType]
        /// The counter of a loop; nil for a block.
        var counter: Int?
    }

    init(_ index: Int, in shape: ModuleShape, _ choices: ChoiceSource) {
        self.shape = shape
        self.index = index
        self.choices = choices
        code = BinaryWriter(aggregateCount: shape.aggregates.count)
        type = shape.type(of: index)
        locals = type.parameters
        labels = [Label(types: type.results)]
        budget = 0
        chooseLocals()
        // Small ones are taken into others.
        let most = self.choices.pick(weighted: [(4, 250), (2, 700), (2, 0)])
        budget = most == 0 ? self.choices.below(10) : 10 + self.choices.below(most)
    }

    private mutating func chooseLocals() {
        let count = choices.pick(weighted: [
            (3, 0), (4, choices.below(5)), (2, choices.below(16)), (1, choices.below(70)),
        ])
        for _ in 0..<count { locals.append(choices.pick(shape.localTypes)) }
        assignable = Array(locals.indices)
    }

    /// The body: local declarations and code.
    mutating func generate() -> [UInt8] {
        if shape.fuelGlobal != nil && choices.chance(80) { consumeFuel() }
        let depth = choices.pick([3, 4, 5, 6])
        chooseRepeats()
        statements(1 + choices.below(12), depth: depth)
        if !choices.chance(15) || !tailCall(depth: depth) { leave(type.results, depth: depth) }
        code.byte(0x0B)
        var body = BinaryWriter(aggregateCount: shape.aggregates.count)
        let declared = locals.dropFirst(type.parameters.count)
        body.unsigned(declared.count)
        for type in declared {
            body.unsigned(1)
            body.type(type)
        }
        body.raw(code.bytes)
        return body.bytes
    }

    // MARK: Small instructions

    mutating func op(_ opcode: UInt8) { code.byte(opcode) }

    mutating func op(_ opcode: UInt8, _ index: Int) {
        code.byte(opcode)
        code.unsigned(index)
    }

    mutating func i32Const(_ value: Int) { code.address(value, is64: false) }

    /// The locals that expressions may read: not that with vectors before they are canonical.
    func locals(of type: ValueType) -> [Int] {
        locals.indices.filter { locals[$0] == type && $0 != canonicalizers[.v128] }
    }

    mutating func addLocal(_ type: ValueType) -> Int {
        locals.append(type)
        return locals.count - 1
    }

    /// Pops a value of this type, mostly into a local.
    mutating func consume(_ type: ValueType) {
        let targets = assignable.filter { locals[$0] == type }
        if targets.isEmpty || choices.chance(30) {
            op(0x1A)
        } else {
            op(0x21, choices.pick(targets))
        }
    }

    /// Pops values of these types, the last first.
    mutating func consume(_ types: [ValueType]) {
        for type in types.reversed() { consume(type) }
    }

    /// Replaces a NaN on top of the stack by the canonical one: bits of arithmetic NaNs are open.
    mutating func canonicalize(_ type: ValueType) {
        guard type.isFloat else { return }
        let local = canonicalizer(type)
        op(0x22, local)
        code.constant(type, type == .f32 ? 0x7FC0_0000 : 0x7FF8_0000_0000_0000)
        op(0x20, local)
        op(0x20, local)
        op(type == .f32 ? 0x5B : 0x61)
        op(0x1B)
    }

    /// The local in which vectors are made canonical.
    mutating func vectorCanonicalizer() -> Int { canonicalizer(.v128) }

    private mutating func canonicalizer(_ type: ValueType) -> Int {
        let local = canonicalizers[type] ?? addLocal(type)
        canonicalizers[type] = local
        return local
    }

    /// A local for a reference that is read at once.
    mutating func scratch(_ type: ValueType) -> Int {
        let local = scratchLocals[type] ?? addLocal(type)
        scratchLocals[type] = local
        return local
    }

    /// Decrements the module's fuel and traps when it is used up.
    mutating func consumeFuel() {
        guard let fuel = shape.fuelGlobal else { return }
        op(0x23, fuel)
        i32Const(1)
        op(0x6B)
        op(0x24, fuel)
        op(0x23, fuel)
        i32Const(0)
        op(0x48)
        code.raw([0x04, 0x40, 0x00, 0x0B])
    }

    /// The end of a block: its results, or, sometimes, a way out and code that never runs.
    mutating func leave(_ types: [ValueType], depth: Int) {
        if choices.chance(7) {
            escape(depth: depth)
            deadCode()
        } else {
            for type in types { expression(type, depth: depth - 1) }
        }
    }
}

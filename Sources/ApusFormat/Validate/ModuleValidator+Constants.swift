internal import ApusCollections

/// Constant expressions (3.4.14).
extension ModuleValidator {
    /// Checks that `expression` leaves one value of `expected`. `globalsBefore` is how many globals
    /// have their values by then; nil: all.
    func validate(
        _ expression: ConstantExpression, as expected: ValueType, at offset: UInt32,
        globalsBefore: Int? = nil
    ) throws(ModuleError) {
        var stack = ConstantStack(
            validator: self, offset: offset, globalCount: globalsBefore ?? module.globals.count)
        for instruction in expression.instructions { try stack.validate(instruction) }
        guard stack.types.count == 1, matches(stack.types[0], expected) else {
            throw invalid(
                offset,
                "type mismatch: constant expression gives [\(ValueType.list(stack.types))], "
                    + "not [\(expected)]")
        }
    }
}

/// The operands of a constant expression.
private struct ConstantStack {
    let validator: ModuleValidator
    /// Where the expression is.
    let offset: UInt32
    /// How many globals may be read.
    let globalCount: Int
    var types: [ValueType] = []

    private var module: DecodedModule { validator.module }

    mutating func validate(_ instruction: ConstantExpression.Instruction) throws(ModuleError) {
        switch instruction {
        case .i32Const: types.append(.i32)
        case .i64Const: types.append(.i64)
        case .f32Const: types.append(.f32)
        case .f64Const: types.append(.f64)
        case .v128Const: types.append(.v128)
        case .refNull(let type):
            let null = ValueType.reference(type, nullable: true)
            try validator.check(null, at: offset)
            types.append(null)
        case .refFunc(let function):
            try validator.check(function, below: module.functions.count, "function", at: offset)
            types.append(reference(to: module.functions[Int(function)]))
        case .globalGet(let global): types.append(try type(ofGlobal: global))
        case .i32Add, .i32Sub, .i32Mul: try operate(.i32)
        case .i64Add, .i64Sub, .i64Mul: try operate(.i64)
        case .structNew(let type, let values): try makeStructure(type, values)
        case .arrayNew(let type, let values): try makeArray(type, values)
        case .arrayNewFixed(let type, let count): try makeArray(type, of: count)
        case .refI31:
            try pop(.i32)
            types.append(.reference(.i31, nullable: false))
        case .anyConvertExtern: try convert(.extern, to: .any)
        case .externConvertAny: try convert(.any, to: .extern)
        }
    }

    private func reference(to type: UInt32) -> ValueType {
        .reference(HeapType(typeIndex: type), nullable: false)
    }

    private mutating func pop(_ expected: ValueType) throws(ModuleError) {
        guard let type = types.popLast() else {
            throw validator.invalid(offset, "type mismatch: an operand is missing in a constant")
        }
        guard validator.matches(type, expected) else {
            throw validator.invalid(
                offset,
                "type mismatch: expected \(module.describe(expected)), found "
                    + "\(module.describe(type)) in a constant")
        }
    }

    /// Imported globals may be read, and since there is garbage collection earlier ones, too.
    private func type(ofGlobal global: UInt32) throws(ModuleError) -> ValueType {
        try validator.check(global, below: globalCount, "global", at: offset)
        let type = module.globals[Int(global)]
        guard
            global < module.importedGlobalCount || validator.features.has(.garbageCollection)
        else {
            throw ModuleError(
                .unsupported(.garbageCollection), at: Int(offset),
                "constant that reads a global of its own module")
        }
        guard !type.isMutable else {
            throw validator.invalid(offset, "constant expression required")
        }
        return type.value
    }

    private mutating func operate(_ type: ValueType) throws(ModuleError) {
        guard validator.features.has(.extendedConstants) else {
            throw ModuleError(
                .unsupported(.extendedConstants), at: Int(offset), "arithmetic in a constant")
        }
        guard types.popLast() == type, types.last == type else {
            throw validator.invalid(
                offset, "type mismatch: operands of arithmetic in a constant")
        }
    }

    // MARK: Aggregates

    /// Where the fields of type `index`, which must be of `kind`, lie.
    private func fields(of index: UInt32, _ kind: CompositeKind) throws(ModuleError) -> Range<Int> {
        try validator.check(index, is: kind, at: offset)
        return module.types.fieldRange(Int(index))
    }

    private func checkDefaults(_ type: UInt32) throws(ModuleError) {
        guard module.typePlaces[Int(type)].hasDefaults else {
            throw validator.invalid(
                offset,
                "type mismatch: \(module.describe(type: Int(type))) has a field without a default "
                    + "value")
        }
    }

    private mutating func makeStructure(
        _ type: UInt32, _ values: AggregateInitializer
    ) throws(ModuleError) {
        let places = try fields(of: type, .structure)
        switch values {
        case .values:
            for place in places.reversed() { try pop(module.types.fields[place].unpacked) }
        case .defaults: try checkDefaults(type)
        }
        types.append(reference(to: type))
    }

    private mutating func makeArray(
        _ type: UInt32, _ values: AggregateInitializer
    ) throws(ModuleError) {
        let place = try fields(of: type, .array).lowerBound
        try pop(.i32)
        switch values {
        case .values: try pop(module.types.fields[place].unpacked)
        case .defaults: try checkDefaults(type)
        }
        types.append(reference(to: type))
    }

    private mutating func makeArray(_ type: UInt32, of count: UInt32) throws(ModuleError) {
        let place = try fields(of: type, .array).lowerBound
        guard count <= ModuleTypes.fixedArrayLimit else {
            throw ModuleError(
                .limit, at: Int(offset),
                "array.new_fixed of \(count) elements, the limit is \(ModuleTypes.fixedArrayLimit)")
        }
        for _ in 0..<count { try pop(module.types.fields[place].unpacked) }
        types.append(reference(to: type))
    }

    /// Null stays null.
    private mutating func convert(_ source: HeapType, to target: HeapType) throws(ModuleError) {
        let isNullable = types.last?.isNullable ?? true
        try pop(.reference(source, nullable: true))
        types.append(.reference(target, nullable: isNullable))
    }
}
